"""What stands for a definition once it is at module level: the least that answers to all that is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from fixpickle.project import Project
from fixpickle.survey.demands import DECORATED, Demand, Need
from fixpickle.survey.facts import Definition, Facts, Kind, Sink, ToAttribute, ToCall, ToReturn
from fixpickle_codemods._company import company, handed, inside, is_own


class Form(str, Enum):
    """FUNCTION is a definition of another name, CALLED one that keeps its `__name__`, FRESH a partial of nothing.

    PARTIAL holds what was captured, METHOD too, and binds as a method; OBJECT is an instance of a small class.
    """

    FUNCTION = "function"
    CALLED = "called"
    PARTIAL = "partial"
    FRESH = "fresh"
    METHOD = "method"
    OBJECT = "object"


# Of the forms that answer to every demand, the first is taken.
_WITHOUT_CAPTURES = (
    (Form.FUNCTION, frozenset[Need]()),
    (Form.CALLED, frozenset({Need.NAME})),
    (Form.FRESH, frozenset({Need.IDENTITY})),
    (Form.METHOD, frozenset({Need.IDENTITY, Need.METHOD, Need.NAME, Need.LOOKS})),
    (Form.OBJECT, frozenset({Need.IDENTITY, Need.NAME, Need.LOOKS, Need.STATE, Need.ITSELF})),
    (Form.METHOD, frozenset({Need.IDENTITY, Need.METHOD, Need.NAME, Need.LOOKS, Need.STATE})),
)
_WITH_CAPTURES = (
    (Form.PARTIAL, frozenset[Need]()),
    (Form.OBJECT, frozenset({Need.NAME, Need.LOOKS, Need.STATE, Need.ITSELF})),
    (Form.METHOD, frozenset({Need.METHOD, Need.NAME, Need.LOOKS, Need.STATE})),
)


def form_of(project: Project, facts: Facts, definition: Definition) -> Form | str:
    """What is to stand for a definition that nothing else forbids to move, or why nothing can."""
    asked = _asked(project, facts, definition)
    return asked if isinstance(asked, str) else form_in_file(facts, definition, asked)


def form_in_file(facts: Facts, definition: Definition, asked: Sequence[Demand] = ()) -> Form | str:
    """The same as far as its own file tells, and `asked` says what others ask."""
    demands = [*definition.demands, *asked, *_names_itself(definition)]
    needs = frozenset(demand.need for demand in demands)
    bound = handed(definition)
    decorates = definition.variadic and any(isinstance(s, ToReturn) for s in definition.sinks)
    if decorates and (bound or needs - {Need.NAME}):
        needs |= {Need.METHOD}  # it may serve as a decorator outside the project, where it must bind
    form = next((f for f, met in (_WITH_CAPTURES if bound else _WITHOUT_CAPTURES) if needs <= met), None)
    if form is None or not _possible(facts, definition, form, needs):
        return demands[0].reason
    if definition.early and (form is Form.OBJECT or any(inside(use, definition) for use in definition.uses)):
        return f"the default of `{definition.early[0][0]}` is evaluated at every call of the function around it"
    if form is Form.OBJECT and definition.private:
        return f"the private name `{definition.private}` would mean another name in a class"
    return form


def _possible(facts: Facts, definition: Definition, form: Form, needs: frozenset[Need]) -> bool:
    if form is not Form.OBJECT:
        return Need.NAME not in needs or definition.kind is Kind.FUNCTION  # nobody would name a function `<lambda>`
    # What an object's call gives is told from a generator or a coroutine function by `inspect`, and by event loops.
    own = next((c.reason for c in definition.captures if is_own(definition, c)), "")
    return not (definition.resumes or own) and company(facts, definition) == (definition,)


def _names_itself(definition: Definition) -> list[Demand]:
    within = {use for use in definition.uses if inside(use, definition)}
    apart = any(demand.need in (Need.IDENTITY, Need.STATE) for demand in definition.demands)
    if not (apart or handed(definition)) or within <= {*definition.recursive}:
        return []
    why = "it names itself other than by calling itself, and every call of the function around it makes another one"
    return [Demand(Need.ITSELF, why)]


def called_in_place(project: Project, definition: Definition) -> bool:
    """Whether no decorator stands above a definition, but for a class of the project."""
    return definition.keeper is None or project.class_of(definition.keeper.symbol) is not None


def _signature_read(project: Project, facts: Facts, sink: Sink) -> str:
    """Where the module of what a function goes to asks for signatures."""
    if isinstance(sink, ToCall):
        return project.signature_read(sink.callee)
    return project.signature_read(f"{facts.module}.{sink.cls}") if isinstance(sink, ToAttribute) else ""


def _asked(project: Project, facts: Facts, definition: Definition) -> list[Demand] | str:
    """Who asks a function, which has another name or is a partial afterwards, for its name; a reason where for more."""
    if not called_in_place(project, definition):
        return DECORATED
    plain = definition.kind is Kind.LAMBDA and not (definition.captures or definition.early)
    if definition.kind is Kind.CLASS or plain:
        return []
    found: list[Demand] = []
    for sink in definition.sinks:
        made = f"{facts.module}.{sink.function}" if isinstance(sink, ToReturn) else ""
        if handed(definition) and project.real(made) in project.decorators:
            return f"{made} decorates, and what it returns may be asked for its `__name__`, which a partial has not"
        if definition.early and (where := _signature_read(project, facts, sink)):
            return f"its default is in the signature, for which the module asks that it goes to ({where})"
        if isinstance(sink, ToCall) and (where := project.names_read(sink.callee)):
            why = f"it is handed to {sink.callee}, whose module reads the `__name__` of functions ({where})"
            found.append(Demand(Need.NAME, why))
            if project.looks_into(sink.callee):
                return why
    kept = project.asked_when_kept(facts, definition.sinks)
    if kept is not None:
        why = f"it is kept where the `__name__` of what is kept is read ({kept[0]})"
        if kept[1]:
            return why.replace("the `__name__`", "more than the `__name__`")
        found.append(Demand(Need.NAME, why))
    return found
