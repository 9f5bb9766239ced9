"""What one pass over a file finds out about it: small values, no tree nodes.

Whoever needs one of them, rules of other packages included, imports it from here.
"""

from fixpickle.survey.facts.classes import ClassFacts, Flaw, Harm, Layout, StateHooks
from fixpickle.survey.facts.definitions import (
    Asked,
    AskedKept,
    BoundCall,
    Capture,
    Definition,
    Factory,
    Keeper,
    Kind,
    MadeType,
    Mention,
    Sentinel,
)
from fixpickle.survey.facts.fact import Fact, changed
from fixpickle.survey.facts.file import Facts
from fixpickle.survey.facts.flows import (
    Alias,
    AttributeFlow,
    HandedOn,
    Instance,
    Offered,
    ParameterFlow,
    Pools,
    Returned,
    ShortLived,
    ToldApart,
    Wanted,
)
from fixpickle.survey.facts.holdings import Construction, Family, Handover, Holding, Home, Resource
from fixpickle.survey.facts.layout import LateImport, LateUse, Start, Suppression, TopStatement
from fixpickle.survey.facts.names import Form, ImportFact, PicklerChoice, Reference, StateSet
from fixpickle.survey.facts.sinks import Sink, ToAttribute, ToCall, ToGlobal, ToParameter, ToReturn

__all__ = [
    "Alias",
    "Asked",
    "AskedKept",
    "AttributeFlow",
    "BoundCall",
    "Capture",
    "ClassFacts",
    "Construction",
    "Definition",
    "Fact",
    "Factory",
    "Facts",
    "Family",
    "Flaw",
    "Form",
    "HandedOn",
    "Handover",
    "Harm",
    "Holding",
    "Home",
    "ImportFact",
    "Instance",
    "Keeper",
    "Kind",
    "LateImport",
    "LateUse",
    "Layout",
    "MadeType",
    "Mention",
    "Offered",
    "ParameterFlow",
    "PicklerChoice",
    "Pools",
    "Reference",
    "Resource",
    "Returned",
    "Sentinel",
    "ShortLived",
    "Sink",
    "Start",
    "StateHooks",
    "StateSet",
    "Suppression",
    "ToAttribute",
    "ToCall",
    "ToGlobal",
    "ToParameter",
    "ToReturn",
    "ToldApart",
    "TopStatement",
    "Wanted",
    "changed",
]
