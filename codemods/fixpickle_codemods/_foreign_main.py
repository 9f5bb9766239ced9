"""Which definitions of a script are pickled for processes whose `__main__` is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest

from fixpickle.model import Evidence, Reach
from fixpickle.project import Crossing, Project
from fixpickle.survey.facts import Facts, Mention, ToCall
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_layout import each, under_guard
from fixpickle_codemods._script_processes import at_guard, at_work, leading, of_started, run_in_workers, started


@dataclass(frozen=True, slots=True)
class Reached:
    """A definition of the script that is pickled by name for a process that does not find it, at `line`.

    Where the process finds it, `lacking` are the names it reads there that only the guarded part sets, or changes
    before it starts the process.
    """

    name: str
    reach: Reach
    line: int
    lacking: frozenset[str]


def reached(project: Project, facts: Facts) -> Iterator[Reached]:
    """Definitions that the script's own work, and not only an importer's, hands to such a process."""
    if not any(s.kind in ("guard", "work", "assignment") for s in facts.statements):
        return
    failed = {one.name: one for one in _failed(project, facts)}
    for mention in facts.mentions:
        ways = chain(_foreign(project, facts, mention), _of_instances(project, facts, mention.name))
        found = failed.pop(mention.name, None) or next(ways, None)
        if found is not None:
            yield found
    yield from failed.values()


def _failed(project: Project, facts: Facts) -> Iterator[Reached]:
    """Definitions that another process of a traced run did not find."""
    bound = {name for statement in each(facts) for name in statement.binds}
    for one in project.traced:
        if one.main and one.path == facts.path and one.name in bound:
            yield Reached(one.name, Reach(Evidence.TRACED, (one.words,)), one.line, frozenset())


def _foreign(project: Project, facts: Facts, mention: Mention) -> Iterator[Reached]:
    # Plain pickle finds nothing of a script, and who chose cloudpickle for all has met that.
    chosen = any(c.pickler in ("pickle", "cloudpickle") for c in facts.pickler_choices if not c.covers)
    own = [s for s in facts.statements if mention.name in s.binds]
    for sink in mention.sinks:
        for crossing in project.crossings(facts, [sink]):
            boundary = crossing.boundary
            line = sink.line if isinstance(sink, ToCall) else mention.line
            if not any(s.kind in ("guard", "work", "assignment") for s in at_work(facts, line)):
                continue
            foreign = boundary.foreign_main and not loads_itself(facts, crossing)
            switched = chosen and boundary.name.startswith(("loky.", "joblib.Parallel"))
            by_import = of_started(crossing)
            passed_over = all(s.kind == "guard" for s in own) or (by_import and facts.path.name == "__main__.py")
            imported = not boundary.by_value and not boundary.foreign_main
            if foreign or switched or (imported and passed_over):
                yield Reached(mention.name, Reach(Evidence.BOUNDARY, crossing.chain), line, frozenset())
            elif imported and by_import and (lacking := _lacking(project, facts, mention.name)):
                yield Reached(mention.name, Reach(Evidence.BOUNDARY, crossing.chain), line, lacking)


def _of_instances(project: Project, facts: Facts, name: str) -> Iterator[Reached]:
    """What becomes of instances that functions return, and that methods hand over as `self`."""
    for line, crossing in project.shipped_at(facts, f"{facts.module}.{name}"):
        at_all = any(s.kind in ("guard", "work", "assignment") for s in at_work(facts, line))
        if at_all and crossing.boundary.foreign_main and not loads_itself(facts, crossing):
            yield Reached(name, Reach(Evidence.BOUNDARY, crossing.chain), line, frozenset())


def _lacking(project: Project, facts: Facts, name: str) -> frozenset[str]:
    """What a definition reads that the guarded part alone sets or changes, so that only forked workers have it."""
    if facts.guard is None or not any(started(project, facts)):
        return frozenset()
    changed = frozenset(changed_below(project, facts))
    needed = Parting(facts, run_in_workers(project, facts) | {name}, frozenset(), 0, ()).needed
    read = Parting(facts, frozenset({name}), frozenset(), 0, ()).needed
    bound = {n for s in facts.statements if s.kind != "guard" for n in s.binds}
    there = {n for s in each(facts) if set(s.binds) & needed for n in s.global_writes}
    below = {n for s in under_guard(facts) for n in s.binds}
    written = {n for s in facts.statements if s.kind == "definition" and at_guard(facts, s) for n in s.global_writes}
    return frozenset(read & ((below - bound) | written | changed) - there)


def changed_below(project: Project, facts: Facts) -> dict[str, int]:
    """Names that statements of the guarded part change before it starts processes, and the lines of these.

    What a function does that they call is not counted: it may be done later, or for what comes later.
    """
    parting = Parting(facts, frozenset(), frozenset(), 0, ())
    inner = [one for s in facts.statements for one in s.inner]
    loggers = {n for s in facts.statements if s.calls == ("logging.getLogger",) for n in s.binds}
    ways = [(found.line, leading(facts, found.line)) for found in started(project, facts)]
    changed: dict[str, int] = {}
    for statement, below in zip_longest(inner, inner[1:]):
        end = below.span.line if below is not None else float("inf")
        if any(statement.span.line <= line < end or names & set(statement.reads) for line, names in ways):
            break
        mine = parting.shaped_by(statement) if statement.kind == "definition" else statement.changes
        changed.update({n: statement.span.line for n in mine if n not in loggers and n not in statement.binds})
    return changed


def loads_itself(facts: Facts, crossing: Crossing) -> bool:
    """Whether the script that dumps it loads such files too: there `__main__` is the right one."""
    if crossing.boundary.action != "rewrite-persist":
        return False
    family = crossing.boundary.name.partition(".")[0]
    return any(r.symbol in (f"{family}.load", f"{family}.loads") for r in facts.references)
