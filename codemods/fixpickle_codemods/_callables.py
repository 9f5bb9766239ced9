"""What the three rules that name a definition share: the finding, and the patch that lifts it to module level."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
    Span,
)
from fixpickle.project import Project
from fixpickle.rewrite import (
    Callable_,
    Early,
    Lifted,
    Renaming,
    before_statement,
    free_name,
    in_place_of,
    lift,
    lift_object,
    line_start,
    namespaced,
    pascal,
    require,
    require_runtime,
    snake,
    without_statement,
)
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Definition, Facts, Kind
from fixpickle_codemods._company import bare, bound_names, company, handed, inside, refusal_of
from fixpickle_codemods._forms import Form, called_in_place, form_in_file, form_of

_LONG = 40  # characters of a name, beyond which a person would look for a shorter one

NOT_REACHED = Reach(Evidence.ANY, ("no sign that it is ever pickled",))


def reach_of(project: Project, facts: Facts, definition: Definition) -> Reach:
    """Why the definition's value is pickled. A function made to be a method, or a decorator's wrapper, never is."""
    reach = project.reach(facts, definition.sinks)
    if definition.kind is Kind.CLASS and (reach is None or reach.evidence is Evidence.STATE):
        # A function may give its caller the class, and the caller makes the instances.
        reach = project.shipped_itself(facts, f"{facts.module}.{definition.qualname}") or reach
    if reach is None:
        return NOT_REACHED
    only_returned = reach.evidence is Evidence.STATE and reach.chain[0].startswith("returned by")
    special = definition.name.startswith("__") and definition.name.endswith("__")
    refused = refusal_of(facts, definition) or not isinstance(form_in_file(facts, definition), Form)
    refused = refused or not called_in_place(project, definition)
    if only_returned and (special or definition.receiver or definition.wraps or refused):
        return NOT_REACHED
    return reach


def findings(rule: str, kind: Kind, what: str, project: Project, facts: Facts) -> Iterator[Finding]:
    """One finding for each definition of that kind, with its reach and the reason against a fix where there is one."""
    for definition in facts.definitions:
        if definition.kind is not kind or "functools.wraps()" in definition.decorated:
            continue
        reach = reach_of(project, facts, definition)
        reason = (
            refusal_of(facts, definition)
            or _lost(definition, reach)
            or _compared(facts, definition, reach)
            or _unmet(project, facts, definition)
        )
        yield Finding(
            rule=rule,
            path=facts.path,
            span=definition.span,
            message=f"{what} `{definition.qualname}` cannot be pickled by name",
            reach=reach,
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )


def _unmet(project: Project, facts: Facts, definition: Definition) -> str:
    form = form_of(project, facts, definition)
    return "" if isinstance(form, Form) else form


def _lost(definition: Definition, reach: Reach) -> str:
    """What would be lost if the definition crossed a boundary, or an empty string."""
    if reach.evidence is not Evidence.BOUNDARY or not definition.changes:
        return ""
    return f"it changes `{definition.changes[0]}` in place, of which the other process has a copy: return the results"


def _compared(facts: Facts, definition: Definition, reach: Reach) -> str:
    """Why what nothing pickles, or moves along with it, is to keep its name, as a test of tracebacks has it, or ""."""
    if reach.evidence is not Evidence.ANY:
        return ""
    together = company(facts, definition)
    other = None if isinstance(together, str) else next((member for member in together if member.compared), None)
    if other is None:
        return ""
    name = "its name" if other is definition else f"the name of `{other.name}`"
    return f"something is compared with a string that has {name} in it, at line {other.compared}"


def definition_at(facts: Facts, finding: Finding) -> Definition:
    """The definition a finding is about."""
    return next(d for d in facts.definitions if d.span == finding.span)


def wanted_names(definition: Definition) -> tuple[str, ...]:
    """Private names made of where the definition stood, best first: `_categorical_warp_f`, `_compose_inner`, `_Point`.

    A method's name is left out as long as the names of its class and of the definition tell enough. What says enough
    by itself stands alone where it would become too long to read.
    """
    if definition.kind is Kind.CLASS:
        return (f"_{definition.name.lstrip('_')}",)
    around = [part for part in definition.qualname.split(".<locals>")[0].split(".") if not part.startswith("<")]
    cls = definition.cls.rpartition(".")[2]
    method = around[-1].strip("_") if around else ""
    short = f"_{snake(cls or method, definition.hint)}"
    alone = f"_{snake(definition.hint)}"
    if len(short) > _LONG and alone.count("_") > 1:
        return alone, short
    if not cls and short == f"_{snake(method)}":  # that function's own name, or one that is like it
        return short, alone
    return (short, f"_{snake(cls, method, definition.hint)}") if cls and method != "init" else (short,)


def lifted_patch(finding: Finding, shop: Workshop) -> Patch | Refusal:
    """Lift the definition, and the local functions it calls, to module level; put names or a partial in its place."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    definition = definition_at(facts, finding)
    together, form = company(facts, definition), form_of(shop.project, facts, definition)
    assert not isinstance(together, str) and isinstance(form, Form), "a finding with a reason has no fix"
    members = sorted(together, key=lambda member: member.span)
    taken = shop.taken[finding.path]
    names = {m.span: _name(m, source.text, taken, form is Form.OBJECT) for m in members}
    bound = handed(definition)
    if form is Form.OBJECT:
        lifted = _object(facts, source.text, definition, names[definition.span])
    else:
        unset = free_name("_UNSET", source.text, taken) if definition.early else ""
        lifted = _lifted(source.text, members, names, unset)
    if isinstance(lifted, str):
        return Refusal(finding.path, lifted, finding.span.line, finding.rule)
    if form in (Form.CALLED, Form.METHOD) and definition.name not in ("<lambda>", names[definition.span]):
        lifted.append(f'{names[definition.span]}.__name__ = "{definition.name}"')
    value = _value(finding, shop, form, names[definition.span], bound)
    if isinstance(value, Refusal):
        return value
    code, edits, new_files = value
    if definition.keeper is not None:
        code = f"{definition.keeper.code}({code})  {definition.keeper.comment}".rstrip()
    leading = 0 if form is Form.OBJECT else len(bound)
    subject = ByReference(facts.module, names[definition.span], Origin(definition.name, definition.line), leading)
    return Patch(
        finding=finding,
        edits=(
            *edits,
            before_statement(finding.path, source.text, definition.statement, "\n\n\n".join(lifted)),
            *_in_place(finding.path, source.text, definition, code, members, names),
        ),
        new_files=new_files,
        subjects=(subject,),
        notes=_notes(definition, bound),
    )


def _lifted(text: str, members: Sequence[Definition], names: Mapping[Span, str], unset: str) -> list[str] | str:
    """The code of each definition at module level, or why one of them would not be what it was.

    `unset` is the name of what stands for defaults that are handed over, empty where there are none.
    """
    codes = [f"{unset} = object()"] if unset else []
    for member in members:
        imports = [c.statement for c in member.captures if c.statement]
        renamings = [
            Renaming(use, names[other.span], bound_names(other))
            for other in members
            for use in other.uses
            if inside(use, member)
        ]
        renamings += [Renaming(place, name) for place, name in member.mangled]
        early = Early(unset, {parameter: f"default_{parameter}" for parameter, _ in member.early})
        made = lift(text, bare(member), names[member.span], bound_names(member), imports, renamings, early)
        if not isinstance(made, Lifted):
            return made
        codes.append(made.code)
    return codes


def _object(facts: Facts, text: str, definition: Definition, name: str) -> list[str] | str:
    """The code of the class whose instances stand for the definition, or why they would not be what it was."""
    captured = {name: [use for read, use in definition.reads if read == name] for name in bound_names(definition)}
    own = [use for read, use in definition.reads if read == definition.name and read not in captured]
    imports = [c.statement for c in definition.captures if c.statement]
    private = [Renaming(place, name) for place, name in definition.mangled]
    made = lift_object(text, bare(definition), Callable_(name, definition.name, captured, own), imports, private)
    return made if isinstance(made, str) else [made.code]


def _name(definition: Definition, text: str, taken: set[str], as_class: bool) -> str:
    """A free name; the definition's own where nothing else goes by it and it leaves its place."""
    wanted, *others = map(pascal, wanted_names(definition)) if as_class else wanted_names(definition)
    own = definition.name
    leaves = own == wanted and definition.replaceable and not handed(definition) and own not in taken
    if leaves and len(re.findall(rf"\b{own}\b", text)) == len(definition.uses) + 1:
        taken.add(own)
        return own
    return free_name(wanted, text, taken, *others)


def _value(
    finding: Finding, shop: Workshop, form: Form, name: str, bound: Sequence[str]
) -> tuple[str, tuple[Edit, ...], tuple[NewFile, ...]] | Refusal:
    """The expression that stands for the definition from now on, and what it needs."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    given = ", ".join(bound)
    if form in (Form.FUNCTION, Form.CALLED):
        return name, (), ()
    if form is Form.OBJECT:
        return f"{name}({given})", (), ()
    # Defaults are evaluated where they were, each time that the function was made.
    early = [source.text[span.start : span.end] for _, span in definition_at(facts, finding).early]
    filled = ", ".join([name, *bound[: len(bound) - len(early)], *early])
    if form is Form.METHOD:
        if refusal := namespaced(facts, shop.project.files, shop.settings):
            return refusal
        calls = require_runtime(facts, source, shop.settings, "calls")
        if isinstance(calls, Refusal):
            return calls
        return f"{calls.code}.method_partial({filled})", calls.edits, calls.new_files
    partial = require(facts, source, "functools", "partial")
    return f"{partial.code}({filled})", partial.edits, partial.new_files


def _in_place(
    path: Path,
    text: str,
    definition: Definition,
    code: str,
    members: Sequence[Definition],
    names: Mapping[Span, str],
) -> Iterator[Edit]:
    """The edits where the definitions stood and where they are used."""
    for member in members:
        value, span = code if member is definition else names[member.span], member.span
        if member.keeper is not None:  # the comments above stay: they are about what it makes as well
            yield replace(in_place_of(path, text, span, f"{member.name} = {value}"), start=line_start(text, span.start))
        elif member.kind is Kind.LAMBDA:
            start, end = _without_parentheses(text, span)
            yield Edit(path, start, end, value)
        elif value != names[span] or not (member.replaceable or (len(members) > 1 and member.settled)):
            yield in_place_of(path, text, span, f"{member.name} = {value}")
        else:
            yield without_statement(path, text, span)
            outside = [u for u in member.uses if not any(inside(u, other) for other in members)]
            yield from (Edit(path, u.start, u.end, value) for u in outside if member.name != value)


_BEFORE_PARENTHESES = re.compile(r"(?:(?:[^=!<>]=|[(\[{,:])[ \t]*|\b(?:or|and|not|else|return|in|is)[ \t]+)\(\Z")


def _without_parentheses(text: str, span: Span) -> tuple[int, int]:
    """The stretch of a lambda with the parentheses that a name in its place does not need."""
    start, end = span.start, span.end
    line = text[line_start(text, start) : start]
    if text.startswith(")", end) and _BEFORE_PARENTHESES.search(line):
        return start - 1, end + 1
    return start, end


def _notes(definition: Definition, bound: Sequence[str]) -> tuple[str, ...]:
    if "self" not in bound:
        return ()
    note = "its stand-in carries the whole object along, as the closure did"
    fields = ", ".join(f"self.{field}" for field in definition.fields)
    return (f"{note}, and reads no more of it than {fields}" if fields else note,)
