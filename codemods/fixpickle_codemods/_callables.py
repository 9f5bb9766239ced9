"""What the three rules that name a definition share: the finding, and the patch that lifts it to module level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fixpickle.model import (
    ByReference,
    Edit,
    Evidence,
    Finding,
    NewFile,
    Origin,
    Patch,
    Reach,
    Refusal,
    Safety,
)
from fixpickle.project import Project
from fixpickle.rewrite import (
    Lifted,
    before_statement,
    free_name,
    in_place_of,
    lift,
    namespaced,
    require,
    require_runtime,
    snake,
    without_statement,
)
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Capture, Definition, Facts, Kind, ToReturn

NOT_REACHED = Reach(Evidence.ANY, ("no sign that it is ever pickled",))


def reach_of(project: Project, facts: Facts, definition: Definition) -> Reach:
    """Why the definition's value is pickled. A function made to be a method, or a decorator's wrapper, never is."""
    reach = project.reach(facts, definition.sinks)
    if reach is None:
        return NOT_REACHED
    only_returned = reach.evidence is Evidence.STATE and reach.chain[0].startswith("returned by")
    special = definition.name.startswith("__") and definition.name.endswith("__")
    if only_returned and (special or definition.receiver or definition.wraps or refusal_of(definition)):
        return NOT_REACHED
    return reach


def refusal_of(definition: Definition) -> str:
    """Why the definition cannot be lifted, or an empty string."""
    if definition.obstacles:
        return definition.obstacles[0]
    for capture in definition.captures:
        if capture.reason and not _recursive(definition, capture):
            return capture.reason
    first = next((c for c in definition.captures if not _recursive(definition, c)), None)
    if definition.kind is Kind.CLASS and first is not None:
        return f"it captures `{first.name}` of {first.owner}, so every call makes a different class"
    if any(_recursive(definition, c) for c in definition.captures) and bound_names(definition):
        return "it calls itself and captures variables of the function around it"
    return ""


def _recursive(definition: Definition, capture: Capture) -> bool:
    return capture.name == definition.name and definition.kind is not Kind.LAMBDA


def bound_names(definition: Definition) -> tuple[str, ...]:
    """The captured values that a partial hands over."""
    return tuple(c.name for c in definition.captures if not c.statement and not _recursive(definition, c))


def findings(rule: str, kind: Kind, what: str, project: Project, facts: Facts) -> Iterator[Finding]:
    """One finding for each definition of that kind, with its reach and the reason against a fix where there is one."""
    for definition in facts.definitions:
        if definition.kind is not kind or "functools.wraps()" in definition.decorated:
            continue
        reach = reach_of(project, facts, definition)
        reason = refusal_of(definition)
        yield Finding(
            rule=rule,
            path=facts.path,
            span=definition.span,
            message=f"{what} `{definition.qualname}` cannot be pickled by name",
            reach=reach,
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )


def definition_at(facts: Facts, finding: Finding) -> Definition:
    """The definition a finding is about."""
    return next(d for d in facts.definitions if d.span == finding.span)


def wanted_name(definition: Definition) -> str:
    """A private name made of where the definition stood: `_categorical_warp_f`, `_compose_inner`, `_LocalPoint`."""
    around = definition.qualname.split(".<locals>")[0].split(".")
    if definition.kind is Kind.CLASS:
        return f"_{definition.name.lstrip('_')}"
    owner = definition.cls.rpartition(".")[2] or around[-1]
    return f"_{snake('' if owner.startswith('<') else owner, definition.hint)}"


def lifted_patch(finding: Finding, shop: Workshop) -> Patch | Refusal:
    """Lift the definition to module level, under a new private name, and put the name or a partial in its place."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    definition = definition_at(facts, finding)
    name = free_name(wanted_name(definition), source.text, shop.taken)
    bound = bound_names(definition)
    imports = [c.statement for c in definition.captures if c.statement]
    inside = [u for u in definition.uses if definition.span.start <= u.start < definition.span.end]
    made = lift(source.text, definition.span, name, bound, imports, inside)
    if not isinstance(made, Lifted):
        return Refusal(finding.path, made, finding.span.line, finding.rule)
    value = _value(finding, shop, definition, name, bound)
    if isinstance(value, Refusal):
        return value
    code, edits, new_files = value
    place = _in_place(finding.path, source.text, definition, code, name)
    subject = ByReference(facts.module, name, Origin(definition.name, definition.line), len(bound))
    return Patch(
        finding=finding,
        edits=(*edits, before_statement(finding.path, source.text, definition.statement, made.code), *place),
        new_files=new_files,
        subjects=(subject,),
        notes=_notes(definition, bound),
    )


def _value(
    finding: Finding, shop: Workshop, definition: Definition, name: str, bound: Sequence[str]
) -> tuple[str, tuple[Edit, ...], tuple[NewFile, ...]] | Refusal:
    """The expression that stands for the definition from now on, and what it needs."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    if not bound:
        return name, (), ()
    if definition.variadic and any(isinstance(s, ToReturn) for s in definition.sinks):
        # It may serve as a decorator outside the project, where it must bind as a method. A plain partial does not.
        if refusal := namespaced(facts, shop.project.files, shop.settings):
            return refusal
        calls = require_runtime(facts, source, shop.settings, "calls")
        if isinstance(calls, Refusal):
            return calls
        return f"{calls.code}.method_partial({name}, {', '.join(bound)})", calls.edits, calls.new_files
    partial = require(facts, source, "functools", "partial")
    return f"{partial.code}({name}, {', '.join(bound)})", partial.edits, partial.new_files


def _in_place(path: Path, text: str, definition: Definition, code: str, name: str) -> list[Edit]:
    """The edits where the definition stood and where it is used."""
    span = definition.span
    if definition.kind is Kind.LAMBDA:
        return [Edit(path, span.start, span.end, code)]
    if code != name or not definition.replaceable:
        return [in_place_of(path, text, span, f"{definition.name} = {code}")]
    outside = [u for u in definition.uses if not span.start <= u.start < span.end]
    return [without_statement(path, text, span), *(Edit(path, u.start, u.end, name) for u in outside)]


def _notes(definition: Definition, bound: Sequence[str]) -> tuple[str, ...]:
    if "self" in bound:
        return ("the partial carries the whole object along, as the closure did",)
    return ()
