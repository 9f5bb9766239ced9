"""Which local functions move to module level together, and what forbids it: the refusals of the three naming rules."""

from __future__ import annotations

from collections.abc import Sequence

from fixpickle.model import Span
from fixpickle.survey.facts import Capture, Definition, Facts, Kind

_CONFIGURATION = "its file is a configuration that its program runs by exec: pickle would not find the name in it"


def refusal_of(facts: Facts, definition: Definition) -> str:
    """Why the definition cannot be lifted, or an empty string."""
    if definition.obstacles:
        return definition.obstacles[0]
    for capture in definition.captures:
        if capture.reason and capture.sibling is None and not is_own(definition, capture):
            return capture.reason
    varies = [c for c in definition.captures if not is_own(definition, c)]
    if definition.kind is Kind.CLASS and varies:
        names = ", ".join(f"`{c.name}`" for c in varies)
        return f"it captures {names} of {varies[0].owner}, so every call makes a different class"
    together = company(facts, definition)
    if isinstance(together, str):
        return together
    return _CONFIGURATION if _is_configuration(facts) else ""


def is_own(definition: Definition, capture: Capture) -> bool:
    """Whether what a definition captures is itself."""
    return capture.name == definition.name and definition.kind is not Kind.LAMBDA


def bound_names(definition: Definition) -> tuple[str, ...]:
    """The captured values that a partial hands over."""
    handed = (c for c in definition.captures if not c.statement and c.sibling is None)
    return tuple(c.name for c in handed if not is_own(definition, c))


def handed(definition: Definition) -> tuple[str, ...]:
    """The names of all values that a partial hands over, those of defaults behind those that are captured."""
    return (*bound_names(definition), *(f"default_{parameter}" for parameter, _ in definition.early))


def bare(definition: Definition) -> Span:
    """The stretch of a definition without the decorator that is called with it in its place."""
    return definition.span if definition.keeper is None else definition.keeper.bare


def inside(use: Span, definition: Definition) -> bool:
    """Whether a use stands in a definition."""
    return definition.span.start <= use.start < definition.span.end


def company(facts: Facts, definition: Definition) -> tuple[Definition, ...] | str:
    """The definition and the local functions that it needs at module level too, or why they cannot come along."""
    by_span = {d.span: d for d in facts.definitions}
    members = [definition]
    for member in members:
        siblings = (by_span[c.sibling] for c in member.captures if c.sibling in by_span and not is_own(member, c))
        members += [s for s in dict.fromkeys(siblings) if s not in members]
    for other in members[1:]:
        if why := _stays(other):
            return f"`{other.name}` is itself defined inside a function and cannot move along: {why}"
    return _out_of_order(members) or tuple(members)


def _stays(other: Definition) -> str:
    if other.obstacles or other.demands:
        return next(iter([*other.obstacles, *(demand.reason for demand in other.demands)]))
    if not other.settled:
        return "it is defined in a block or deleted"
    reasons = [c.reason for c in other.captures if c.reason and c.sibling is None and not is_own(other, c)]
    captured = [f"it captures `{name}`" for name in bound_names(other)]
    early = [f"the default of `{parameter}` is evaluated wherever it is made" for parameter, _ in other.early]
    return next(iter([*reasons, *captured, *early]), "")


def _out_of_order(members: Sequence[Definition]) -> str:
    """Why several definitions cannot move together: one may be used while another one does not exist yet."""
    first, *others = members
    if not others:
        return ""
    if any(inside(one.span, other) for one in members for other in members if one is not other):
        return "it calls a function in which it is itself defined"
    if handed(first) and any(inside(use, other) for use in first.uses for other in others):
        return f"`{others[0].name}` calls it, and it captures `{handed(first)[0]}`"
    last = max(other.span.start for other in others)
    outside = [u for m in members for u in m.uses if not any(inside(u, other) for other in members)]
    made = [first.span] if first.kind is Kind.LAMBDA else []
    if early := next((u for u in [*outside, *made] if u.start < last), None):
        return f"line {early.line} may use it before all that it calls is defined"
    return ""


def _is_configuration(facts: Facts) -> bool:
    """Whether the file is one of those that traitlets, Sphinx and gunicorn run without importing it."""
    bound = {name for s in facts.statements for name in s.binds}
    calls_in = any("get_config" in s.reads for s in facts.statements) and "get_config" not in bound
    return calls_in or "." in facts.path.stem or (facts.path.name == "conf.py" and "extensions" in bound)
