"""# main-definition

A function or class of a script that is pickled where another program, or a worker that does not know the script, loads
it. Pickle stores it as `__main__.name`, and there `__main__` is another file:

    AttributeError: Can't get attribute 'Point' on <module '__main__' from 'load.py'>
    PicklingError: Can't pickle <function work>: attribute lookup work on __main__ failed

## What it becomes

The definitions move to a module beside the script, `<script>_defs.py`, with the constants, imports and helpers they
need, in their order. The script imports them back, so every old name still resolves, and pickles that name
`__main__.name` still load in it. Where the script has no `if __name__ == "__main__":`, its work is put under one, in
the same change.

## What it leaves alone

Scripts whose definitions only go to `multiprocessing` or `concurrent.futures` workers: those import the script under
another name, and find them. Where it has no main guard they run its work again: that is
[unguarded-main](unguarded-main.md). Boundaries that ship definitions of `__main__` by value (Ray, Dask, loky).
Modules that pickle only in functions which their own work, if they have any, never comes to. Scripts that load at once
what they dump.

## When it refuses

A definition reads a global that only the script's work sets: it would be missing where the module is imported. It
writes a `global`, or reads `__file__`, `__name__`, `__main__` or `globals()`. A name it needs is bound twice, or under
a condition, or is made by a call that may do more than make a value. Definitions that stay behind are registered with
one that moves. The definition stands under the main guard. The script edits `sys.path`, prepares an import by earlier
work, runs its own doctests, is imported by another file while its work is unguarded, or alternates between work and
definitions. The script is in a package and imports nothing of it that would tell how it is run.

What changes: workers need the new file; cache keys that contain `__module__` (joblib.Memory, datasets) change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import Evidence, Finding, FromScript, NewFile, Patch, Reach, Refusal, Safety, Source
from fixpickle.project import Crossing, Project
from fixpickle.rewrite import import_line
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Mention, ToCall, TopStatement
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_files import edits, import_back, module_text, shares_a_line
from fixpickle_codemods._script_layout import layout, listed, obstacle
from fixpickle_codemods._script_processes import at_work


class MainDefinition:
    """A definition of a script that must be loaded where `__main__` is another file."""

    name = "main-definition"
    summary = "what a script defines is pickled as `__main__.name`, which no other program finds"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding a script: its definitions move as one."""
        reached = list(_reached(project, facts))
        if not reached:
            return
        reason = _reason(project, facts, reached)
        names = [r.name for r in reached]
        yield Finding(
            rule=self.name,
            path=facts.path,
            span=next(s for s in facts.statements if names[0] in s.binds).span,
            message=f"{listed(names)} of the script {facts.path.name} cannot be found by another process",
            reach=Reach(Evidence.BOUNDARY, reached[0].crossing.chain, "pickle"),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The definitions in a module of their own, imported back, and the work under a main guard."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        reached = list(_reached(shop.project, facts))
        plan = layout(facts, [r.name for r in reached])
        work = _unguarded_work(facts, reached)
        if isinstance(work, str):
            return Refusal(finding.path, work, finding.span.line, finding.rule)
        if shares_a_line(source, (*plan.moved, *plan.imports, *work[:1])):
            reason = "two statements share a line: put each on its own, then run again"
            return Refusal(finding.path, reason, finding.span.line, finding.rule)
        stem = _free_module(facts, shop)
        path = facts.path.with_name(f"{stem}.py")
        package = facts.module.rpartition(".")[0]
        module = f"{package}.{stem}" if package else stem
        back = import_back(f".{stem}" if _relative(facts, source) else module, plan.binds)
        return Patch(
            finding=finding,
            edits=(*edits(facts, source, plan.moved, work), import_line(facts, source, back)),
            new_files=(NewFile(path, module_text(facts, source, plan)),),
            subjects=tuple(FromScript(facts.path, module, name) for name in plan.names),
            notes=(f"workers need {path.name} beside the script; pickles name {module} from now on",),
        )


# --- what is reached ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reached:
    """A definition of the script that is pickled by name for a process that does not find it, at `line`."""

    name: str
    crossing: Crossing
    line: int


def _reached(project: Project, facts: Facts) -> Iterator[_Reached]:
    """Definitions that the script's own work, and not only an importer's, hands to such a process."""
    if not any(s.kind in ("guard", "work", "assignment") for s in facts.statements):
        return
    for mention in facts.mentions:
        found = next(_foreign(project, facts, mention), None)
        if found is not None:
            yield found


def _foreign(project: Project, facts: Facts, mention: Mention) -> Iterator[_Reached]:
    by_pickle = any(r.symbol.endswith("set_loky_pickler") and r.argument == "'pickle'" for r in facts.references)
    under_guard = all(s.kind == "guard" for s in facts.statements if mention.name in s.binds)
    for sink in mention.sinks:
        for crossing in project.crossings(facts, [sink]):
            boundary = crossing.boundary
            imported = not boundary.by_value and under_guard
            foreign = boundary.foreign_main and not _loads_itself(facts, crossing)
            switched = by_pickle and boundary.name.startswith("loky.")
            line = sink.line if isinstance(sink, ToCall) else mention.line
            run = [s for s in at_work(facts, line) if s.kind in ("guard", "work", "assignment")]
            if run and (foreign or switched or (imported and not boundary.foreign_main)):
                yield _Reached(mention.name, crossing, line)


def _loads_itself(facts: Facts, crossing: Crossing) -> bool:
    """Whether the script that dumps it loads such files too: there `__main__` is the right one."""
    if crossing.boundary.action != "rewrite-persist":
        return False
    family = crossing.boundary.name.partition(".")[0]
    return any(r.symbol in (f"{family}.load", f"{family}.loads") for r in facts.references)


def _reason(project: Project, facts: Facts, reached: Sequence[_Reached]) -> str:
    reason = obstacle(project, facts, layout(facts, [r.name for r in reached]))
    work = _unguarded_work(facts, reached)
    return reason or (work if isinstance(work, str) else "")


def _unguarded_work(facts: Facts, reached: Sequence[_Reached]) -> tuple[TopStatement, ...] | str:
    """What has to go under a main guard, or why it cannot."""
    if facts.guard is not None:
        return ()
    plan = layout(facts, [r.name for r in reached])
    stay = tuple(s for s in facts.statements if s not in plan.moved)
    parting = Parting(facts, frozenset(), frozenset(), 0, stay)
    return next(parting.obstacles(), "") or parting.under


# --- where it goes --------------------------------------------------------------------------------------------------


def _free_module(facts: Facts, shop: Workshop) -> str:
    """A module name beside the script that no file has, and that says where its content comes from."""
    stem = re.sub(r"\W", "_", facts.path.stem).strip("_") or "script"
    wanted = name = f"{stem}_defs"
    number = 1
    while True:
        path = facts.path.with_name(f"{name}.py")
        if not (path.exists() or path.with_suffix("").exists() or path in shop.sources or str(path) in shop.taken):
            shop.taken.add(str(path))
            return name
        number += 1
        name = f"{wanted}_{number}"


def _relative(facts: Facts, source: Source) -> bool:
    """Whether the script imports its own package relatively, as only a script run with -m can."""
    text = source.text
    return "." in facts.module and any(
        text[s.span.start : s.span.end].startswith("from .") for s in facts.statements if s.kind == "import"
    )


RULE = MainDefinition()
