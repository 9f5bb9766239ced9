"""# unwrapped-decorator

A module-level name that leads to a function which calls itself something else, because another function made it.
Pickle stores a function by its own qualified name, and there it finds nothing, or another object:

    AttributeError: Can't pickle local object 'timed.<locals>.wrapper'
    PicklingError: Can't pickle <function Center>: it's not the same object as module.Center

## What it becomes

**A result bound to a name**, `center = stateful_transform(Center)`: the function is told the name it is bound to, on
the line below, by the one attribute that pickle reads. `__name__`, the docstring and the signature stay.

    center = stateful_transform(Center)
    center.__qualname__ = "center"  # for pickle

**A decorator of a script, or of a module by itself, whose function is handed to another process** where it fails: the
inner function takes over the one name that pickle reads, and nothing else.

    measured.__qualname__ = function.__qualname__  # for pickle

**Another decorator that copies no names**: its inner function gets `@functools.wraps(function)`. This is what such
decorators should have had, but it changes `__name__`, `__doc__`, `__wrapped__` and what `inspect.signature` says of
every decorated function, so it is an unsafe fix: `--unsafe-fixes` applies it.

## What it leaves alone

Decorators with `functools.wraps` or `functools.update_wrapper`; factories that make more than three names of a module
(`--reach any` names those too); factories that return different things, that are decorated themselves or cached;
results that are bound more than once, or in a class or function; classes of callables; names that a package does not
export and uses itself, decorated or not; tests; files of packages that ship functions by value.

## When it refuses

The decorator has parameters of its own besides the function. The module binds the name more than once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fixpickle.model import ByExpression, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Project, is_test
from fixpickle.rewrite import below_statement, line_start, require
from fixpickle.rule import Workshop
from fixpickle.survey.facts import BoundCall, Factory, Facts

_COMMENT = "# for pickle"
_MANY = 3  # names that one factory makes in a module: beyond that the factory itself is the place to name them


class UnwrappedDecorator:
    """A function that another function made, under a name that is not its own."""

    name = "unwrapped-decorator"
    summary = "a function made by a decorator or factory is bound to a name that it does not go by"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Results bound to a module-level name, and decorators of module-level functions."""
        if is_test(facts):
            return
        for call in facts.bound_calls:
            made = project.factory(call.callee)
            if made is None or _renamed(facts, call):
                continue
            twice = sum(call.name in s.binds for s in facts.statements) > 1
            if not (twice and made.wraps):  # `f = decorate(f)` with `wraps` has the right name already
                yield self._bound(project, facts, call, made, twice)
        for made in facts.factories:
            if not made.wraps and made.taken and (used := project.decorated(f"{facts.module}.{made.name}")):
                yield self._decorator(project, facts, made, used)

    def _bound(self, project: Project, facts: Facts, call: BoundCall, made: Factory, twice: bool) -> Finding:
        alike = sum(c.callee == call.callee for c in facts.bound_calls)
        quiet = alike > _MANY or project.exposure.internal(facts, call.name) or project.exposure.by_value(facts)
        evidence = Evidence.ANY if quiet else Evidence.STATE
        return Finding(
            rule=self.name,
            path=facts.path,
            span=call.span,
            message=f"the function `{call.name}` goes by another name, given by {made.name}",
            reach=Reach(evidence, (f"bound to the module's name {call.name}",)),
            safety=Safety.MANUAL if twice else Safety.SAFE,
            reason=f"`{call.name}` is bound more than once" if twice else "",
        )

    def _decorator(self, project: Project, facts: Facts, made: Factory, used: Sequence[tuple[Facts, str]]) -> Finding:
        alone = not facts.package and "." not in facts.module  # others may decorate what has no such name
        crossing = next(filter(None, (_crossing(project, *one) for one in used)), None) if alone else None
        had = next((one for one in used if _is_had(project, *one)), None)
        owner, name = had or used[0]
        state = Reach(Evidence.STATE if had else Evidence.ANY, (f"it decorates {owner.module}.{name}",))
        return Finding(
            rule=self.name,
            path=facts.path,
            span=made.span,
            message=f"what the decorator {made.name} returns goes by the name `{made.inner}`",
            reach=crossing or state,
            safety=Safety.SAFE if crossing else Safety.UNSAFE,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The name pickle reads set below the binding; or `functools.wraps` on the inner function."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        text = source.text
        call = next((c for c in facts.bound_calls if c.span == finding.span), None)
        if call is not None:
            lines = [f'{call.name}.__qualname__ = "{call.name}"  {_COMMENT}']
            if not _made_here(shop.project, facts, call):
                lines.insert(0, f"{call.name}.__module__ = __name__")
            edit = below_statement(finding.path, text, call.span, lines)
            return Patch(finding, (edit,), subjects=(ByExpression(facts.module, call.name, call.name),))
        made = next(f for f in facts.factories if f.span == finding.span)
        used = shop.project.decorated(f"{facts.module}.{made.name}")
        subjects = tuple(ByExpression(owner.module, name, name) for owner, name in used[:1])
        if finding.safety is Safety.SAFE:
            return Patch(finding, (_named_by_what_it_takes(finding, text, facts, made, used),), subjects=subjects)
        wraps = require(facts, source, "functools", "wraps")
        start = line_start(text, made.span.start)
        indent = text[start : made.span.start]
        edit = Edit(finding.path, start, start, f"{indent}@{wraps.code}({made.taken})\n")
        return Patch(finding, (*wraps.edits, edit), subjects=subjects)


def _crossing(project: Project, facts: Facts, name: str) -> Reach | None:
    """The evidence that the decorated function of that name is handed to another process by plain pickle."""
    sinks = [sink for mention in facts.mentions if mention.name == name for sink in mention.sinks]
    reach = project.reach(facts, sinks)
    return reach if reach is not None and reach.evidence is Evidence.BOUNDARY else None


def _named_by_what_it_takes(
    finding: Finding, text: str, facts: Facts, made: Factory, used: Sequence[tuple[Facts, str]]
) -> Edit:
    """The lines below the inner function that give it the name, and where need be the module, of what it is made of."""
    inner = made.inner.rpartition(".")[2]
    lines = [f"{inner}.__qualname__ = {made.taken}.__qualname__  {_COMMENT}"]
    if any(owner is not facts for owner, _ in used):
        lines.insert(0, f"{inner}.__module__ = {made.taken}.__module__")
    indent = text[line_start(text, made.span.start) : made.span.start]
    return below_statement(finding.path, text, made.span, ["", *(f"{indent}{line}" for line in lines)])


def _is_had(project: Project, facts: Facts, name: str) -> bool:
    """Whether others than the package's own code get hold of a decorated function of that name."""
    exposure = project.exposure
    return not is_test(facts) and not exposure.internal(facts, name) and not exposure.by_value(facts)


def _made_here(project: Project, facts: Facts, call: BoundCall) -> bool:
    """Whether the function says that it is of this module: its factory is, or what its factory copies names from is."""
    made = project.factory(call.callee)
    source = call.taken if made is not None and made.wraps else call.callee
    return project.real(source).startswith(f"{facts.module}.")


def _renamed(facts: Facts, call: BoundCall) -> bool:
    """Whether the module names the function itself, by setting an attribute of it further down."""
    return any(call.name in s.renames for s in facts.statements)


RULE = UnwrappedDecorator()
