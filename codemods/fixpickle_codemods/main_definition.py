"""# main-definition

A function or class of a script that is pickled where another program, or a worker that does not know the script, loads
it. Pickle stores it as `__main__.name`, and there `__main__` is another file:

    AttributeError: Can't get attribute 'Point' on <module '__main__' from 'load.py'>
    AttributeError: module '__main__' has no attribute 'Point'                        (Python 3.14)
    PicklingError: Can't pickle <function work>: attribute lookup work on __main__ failed

Under the main guard it is worse: workers that are spawned pass over what stands there, definitions and constants alike.
Forked ones had them, and from Python 3.14 workers are forked on Linux no more.

    AttributeError: Can't get attribute 'work' on <module '__mp_main__' from 'script.py'>
    NameError: name 'factor' is not defined

## What it becomes

The definitions move to a module beside the script, `<script>_defs.py`, with the constants, imports, helpers and state
they need, in their order, from under the guard too. The script imports them back, so every old name still resolves, and
pickles that name `__main__.name` still load in it. In a package run with `-m` the module goes into the package. Where
the script has no `if __name__ == "__main__":`, its work is put under one, in the same change.

## What it leaves alone

Scripts whose definitions only go to `multiprocessing` or `concurrent.futures` workers: those import the script under
another name, and find them. Where it has no main guard they run its work again: that is
[unguarded-main](unguarded-main.md). Boundaries that ship definitions of `__main__` by value (Ray, Dask, loky). Modules
that pickle only in functions which their own work, if they have any, never comes to. Scripts that load at once what
they dump. Globals that an initializer sets in the workers.

## When it refuses

A definition reads a global that only the script's work sets or changes, above all under the guard: it would be
missing, or be another, where the module is imported; the names are listed. State written with `global` is used by what
stays. A definition reads `__name__`, `__main__`, `globals()`, or `__file__` for more than its folder. A name it needs
is bound twice, or under a condition, or is made by a call that may do more than make a value, or of what work that
stands above it may set: the environment, the current folder, another module. Definitions that stay behind are
registered with one that moves. Another file patches or sets a name of the script that moves. The script edits
`sys.path` and what moves imports other packages than the standard library, prepares an import by earlier work, runs its
own doctests, is imported by another file while its work is unguarded, or by one that what moves imports, or its work
needs a definition where it stands. The script is in a package and imports nothing of it that would tell how it is run.

What changes, and the report says so: workers need the new file, also those that were sent the code by value so far
(Ray: `runtime_env`); what `joblib.Memory` keeps of a function that moves is computed once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from fixpickle.model import Evidence, Finding, FromScript, NewFile, Patch, Refusal, Safety, Source
from fixpickle.project import Project
from fixpickle.rewrite import import_line
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Form, TopStatement
from fixpickle.survey.wording import listed
from fixpickle_codemods._foreign_main import changed_below, reached
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_files import edits, free_module, import_back, module_text, shares_a_line
from fixpickle_codemods._script_layout import Layout, each, layout, obstacle
from fixpickle_codemods._script_notes import named_elsewhere, notes
from fixpickle_codemods._script_order import taken_too_soon


class MainDefinition:
    """A definition of a script that must be loaded where `__main__` is another file."""

    name = "main-definition"
    summary = "what a script defines is pickled as `__main__.name`, which no other program finds"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding a script: its definitions move as one."""
        found = list({r.name: r for r in reached(project, facts)}.values())  # one name may be bound twice
        if not found:
            return
        plan = layout(facts, [r.name for r in found])
        lacking = sorted({n for r in found for n in r.lacking})
        changed = changed_below(project, facts) if lacking else {}
        reason = next(_changed_below(changed, lacking), "") or _reason(project, facts, plan)
        what = f"needs {listed(lacking)}, which workers do not set" if lacking else "cannot be found by another process"
        if reason and set(lacking) <= changed.keys() and lacking:
            what = f"needs what its guarded part does to {listed(lacking)}"
        yield Finding(
            rule=self.name,
            path=facts.path,
            span=next(s for s in each(facts) if plan.names[0] in s.binds).span,
            message=f"{listed(plan.names)} of the script {facts.path.name} {what}",
            reach=max((r.reach for r in found), key=lambda reach: reach.evidence is Evidence.TRACED),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The definitions in a module of their own, imported back, and the work under a main guard."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        plan = layout(facts, [r.name for r in reached(shop.project, facts)])
        work = _unguarded_work(facts, plan)
        reasons = (named_elsewhere(shop, facts, plan), taken_too_soon(shop, facts, plan))
        reason = work if isinstance(work, str) else next(chain.from_iterable(reasons), "")
        if not reason and shares_a_line(source, (*plan.moved, *plan.imports, *work[:1])):
            reason = "two statements share a line: put each on its own, then run again"
        if reason or isinstance(work, str):
            return Refusal(finding.path, reason, finding.span.line, finding.rule)
        stem = free_module(facts, shop)
        package = facts.module.rpartition(".")[0]
        module = f"{package}.{stem}" if package else stem
        back = import_back(f".{stem}" if _relative(facts, source) else module, plan.binds)
        return Patch(
            finding=finding,
            edits=(*edits(facts, source, plan.moved, work), import_line(facts, source, back)),
            new_files=(NewFile(facts.path.with_name(f"{stem}.py"), module_text(facts, source, plan)),),
            subjects=tuple(FromScript(facts.path, module, name) for name in plan.names),
            notes=tuple(notes(shop.project, facts, plan, module)),
        )


# --- what forbids it ------------------------------------------------------------------------------------------------


def _reason(project: Project, facts: Facts, plan: Layout) -> str:
    work = _unguarded_work(facts, plan)
    reasons = (
        _wrapped(facts, plan),
        obstacle(project, facts, plan),
        next(_changed(facts, plan), ""),
        work if isinstance(work, str) else "",
    )
    return next(filter(None, reasons), "")


def _wrapped(facts: Facts, plan: Layout) -> str:
    wrapped = {c.covers.removeprefix(f"{facts.module}.") for c in facts.pickler_choices if c.form is Form.DECORATOR}
    held = sorted(wrapped & plan.binds)
    return (
        f"{listed(held)} is wrapped for loky's pickler, which makes it no definition: take the wrapper off"
        if held
        else ""
    )


def _changed_below(changed: Mapping[str, int], lacking: Sequence[str]) -> Iterator[str]:
    for name in (n for n in lacking if n in changed):
        yield (
            f"`{name}` is changed under the guard at line {changed[name]}, which workers do not run: change it above"
            " the guard, or hand them what they need of it"
        )


def _changed(facts: Facts, plan: Layout) -> Iterator[str]:
    """What the work sets in, or does to, what moves: whoever loads the module has it as the module makes it."""
    parting = Parting(facts, frozenset(plan.names), frozenset(), 0, ())
    loggers = {n for s in plan.moved if s.calls == ("logging.getLogger",) for n in s.binds}
    work = [s for s in each(facts) if s not in plan.moved and s.kind in ("work", "assignment", "guard")]
    for statement in work:
        line = statement.span.line
        if mine := sorted((parting.changed_by(statement) & plan.binds) - loggers):
            yield f"{listed(mine)} is changed by the work at line {line}, which others do not run"
        for shape in (s for s in plan.moved if s.span.start > statement.span.start and not s.binds):
            if mine := sorted(parting.read_by(statement) & set(shape.changes)):
                yield f"line {line} reads {listed(mine)} before line {shape.span.line} changes it"


def _unguarded_work(facts: Facts, plan: Layout) -> tuple[TopStatement, ...] | str:
    """What has to go under a main guard, or why it cannot."""
    if facts.guard is not None or facts.path.name == "__main__.py":
        return ()  # no worker imports the second
    stay = tuple(s for s in facts.statements if s not in plan.moved)
    parting = Parting(facts, frozenset(), frozenset(), 0, stay)
    return next(parting.obstacles(), "") or parting.under


# --- where it goes --------------------------------------------------------------------------------------------------


def _relative(facts: Facts, source: Source) -> bool:
    """Whether the script imports its own package relatively, as only a script run with -m can."""
    text = source.text
    return "." in facts.module and any(
        text[s.span.start : s.span.end].startswith("from .") for s in facts.statements if s.kind == "import"
    )


RULE = MainDefinition()
