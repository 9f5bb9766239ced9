"""All that is known about one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fixpickle.model import Span
from fixpickle.notebook import Part
from fixpickle.survey.facts.classes import ClassFacts
from fixpickle.survey.facts.definitions import Asked, BoundCall, Definition, Factory, MadeType, Mention, Sentinel
from fixpickle.survey.facts.flows import (
    Alias,
    AttributeFlow,
    HandedOn,
    Instance,
    ParameterFlow,
    Pools,
    Returned,
    ShortLived,
    ToldApart,
)
from fixpickle.survey.facts.holdings import Construction, Handover, Holding, Resource
from fixpickle.survey.facts.layout import LateImport, Start, Suppression, TopStatement
from fixpickle.survey.facts.names import ImportFact, PicklerChoice, Reference, StateSet
from fixpickle.survey.initialisers import ExceptionFacts, Raised

_NOTHING_ASKED = Asked()
_NO_POOLS = Pools()
_NOTHING_MADE = ShortLived()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the link and find steps know about one file.

    `guarded` are the classes and attributes that are held as locks while the call named third changes files.
    `strategies` are lines and what a comment chooses there.
    `cells` are those of a notebook. `reached` are symbols that it reads as attributes of a module of its own package,
    `taken` those that it does more with than to call them.
    """

    path: Path
    module: str
    root: Path
    package: bool
    digest: str
    imports: tuple[ImportFact, ...]
    definitions: tuple[Definition, ...]
    constructions: tuple[Construction, ...]
    classes: tuple[ClassFacts, ...]
    parameters: tuple[ParameterFlow, ...]
    mentions: tuple[Mention, ...]
    references: tuple[Reference, ...]
    bound_calls: tuple[BoundCall, ...]
    made_types: tuple[MadeType, ...]
    sentinels: tuple[Sentinel, ...]
    factories: tuple[Factory, ...]
    holdings: tuple[Holding, ...]
    decorators: frozenset[str]
    statements: tuple[TopStatement, ...]
    guard: Span | None
    exports: frozenset[str] | None
    exceptions: tuple[ExceptionFacts, ...]
    raised: tuple[Raised, ...]
    suppressions: tuple[Suppression, ...]
    strategies: tuple[tuple[int, str], ...]
    attribute_flows: tuple[AttributeFlow, ...] = ()
    instances: tuple[Instance, ...] = ()
    aliases: tuple[Alias, ...] = ()
    returned: tuple[Returned, ...] = ()
    guarded: tuple[tuple[str, str, str], ...] = ()
    asked: Asked = _NOTHING_ASKED
    starts: tuple[Start, ...] = ()
    pickler_choices: tuple[PicklerChoice, ...] = ()
    handed_on: tuple[HandedOn, ...] = ()
    cells: tuple[Part, ...] = ()
    late_imports: tuple[LateImport, ...] = ()
    states: tuple[StateSet, ...] = ()
    resources: tuple[Resource, ...] = ()
    handovers: tuple[Handover, ...] = ()
    reached: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    pools: Pools = _NO_POOLS
    short_lived: ShortLived = _NOTHING_MADE
    told_apart: tuple[ToldApart, ...] = ()

    def at(self, line: int) -> str:
        """A line in words: `line 40`, and in a notebook `line 2 of cell 3`."""
        cell = next((c for c in reversed(self.cells) if c.line <= line), None)
        return f"line {line}" if cell is None else f"line {line - cell.line + 1} of cell {cell.number}"

    @property
    def is_script(self) -> bool:
        """Whether importing the file does work of its own, so that the proof must not import it whole."""
        if self.cells:
            return False  # nobody imports a notebook
        alone = "." not in self.module and not self.package
        works = any(s.kind in ("guard", "work") for s in self.statements)
        return works and (alone or self.path.name == "__main__.py")
