"""Where a script starts processes that import it again, and what of it runs in those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from fixpickle.project import Crossing, Project
from fixpickle.survey.facts import Facts, Sink, ToCall, TopStatement
from fixpickle_codemods._top_statements import statement_at

# What a boundary is called that only processes reach which were started by the start method of `multiprocessing`.
_OF_STARTED = (
    *("multiprocessing.pool.", "multiprocessing.Pool", "multiprocessing.Process", "multiprocessing.process."),
    *("multiprocessing.context.", "concurrent.futures.", "torch.multiprocessing.", "torch.utils.data.", "pebble."),
    "aiomultiprocess.",
)
_PROCESSES = frozenset(
    {"multiprocessing.Process", "multiprocessing.process.Process", "multiprocessing.process.BaseProcess"}
)
_FORKED = "'fork'"


@dataclass(frozen=True, slots=True)
class Started:
    """Processes that the script starts: the step a reader follows, the line, the statements whose work comes to it."""

    step: str
    line: int
    at: tuple[TopStatement, ...]


def started(project: Project, facts: Facts) -> Iterator[Started]:
    """Where the work of the script, guarded or not, starts processes that are not forked for certain."""
    if any(r.symbol.endswith(".set_start_method") and r.argument == _FORKED for r in facts.references):
        return
    for one in facts.starts:
        if one.method != _FORKED:
            yield from _at(facts, f"starts processes with {one.symbol} at line {one.line}", one.line)
    for made in facts.instances:
        if made.exact and _is_process(project, made.symbol):
            yield from _at(facts, f"starts a process of its own class at line {made.line}", made.line)
    for _, sinks in _handed(facts):
        for sink in sinks:
            for crossing in project.crossings(facts, [sink]):
                # What it hands to a function of its own starts nothing that is not seen there.
                if isinstance(sink, ToCall) and len(crossing.chain) > 1 and of_started(crossing):
                    yield from _at(facts, ", ".join(crossing.chain), sink.line)
    yield from _elsewhere(project, facts)


def _at(facts: Facts, step: str, line: int) -> Iterator[Started]:
    statements = tuple(s for s in at_work(facts, line) if s.kind in ("guard", "work", "assignment"))
    if statements:
        yield Started(step, line, statements)


def _elsewhere(project: Project, facts: Facts) -> Iterator[Started]:
    """Calls of the script's statements to functions of other files that start processes."""
    called = {c: s for s in facts.statements for c in s.calls if s.kind in ("guard", "work", "assignment") and c}
    for other in project.files:
        if other is facts or not other.starts:
            continue
        names = {f"{other.module}.{n}": one for one in other.starts for n in leading(other, one.line)}
        for symbol, statement in called.items():
            one = names.get(project.real(symbol))
            if one is not None and one.method != _FORKED:
                step = f"calls {symbol} at line {statement.span.line}, which starts processes with {one.symbol}"
                yield Started(step, statement.span.line, (statement,))


def _is_process(project: Project, symbol: str) -> bool:
    owner, _, name = symbol.rpartition(".")
    found = next((f for f in project.files if f.module == owner), None)
    return found is not None and any(base in _PROCESSES for base, _ in project.lineage(found, name))


def of_started(crossing: Crossing) -> bool:
    """Whether it leads to processes that import the script again."""
    boundary = crossing.boundary
    return not boundary.by_value and not boundary.foreign_main and boundary.name.startswith(_OF_STARTED)


# --- what runs there ------------------------------------------------------------------------------------------------


def _handed(facts: Facts) -> Iterator[tuple[str, tuple[Sink, ...]]]:
    """Definitions of the script, and where they, their instances and the methods of these go."""
    yield from ((m.name, m.sinks) for m in facts.mentions)
    prefix = f"{facts.module}."
    for made in facts.instances:
        if made.symbol.startswith(prefix):
            yield made.symbol.removeprefix(prefix).partition(".")[0], made.sinks


def run_in_workers(project: Project, facts: Facts) -> frozenset[str]:
    """The definitions that the processes are handed by name; where none is seen, all that they may be handed.

    These are classes, and functions that are decorated or named other than to be called; none that leads to a start.
    """
    found = {n for n, sinks in _handed(facts) if any(of_started(c) for c in project.crossings(facts, sinks))}
    found |= {c.name for c in facts.classes if _is_process(project, f"{facts.module}.{c.name}")}
    if found:
        return frozenset(found)
    ways = set(chain.from_iterable(leading(facts, one.line) for one in facts.starts))
    classes = {c.name for c in facts.classes}
    handed = classes.union(*(s.hands for s in facts.statements))
    definitions = [s for s in facts.statements if s.kind == "definition"]
    return frozenset(n for s in definitions for n in s.binds if n in handed or s.decorators) - ways


# --- the script's work ----------------------------------------------------------------------------------------------


# Calls that run what the script defines without naming it.
_RUNNERS = frozenset({"unittest.main", "doctest.testmod", "pytest.main", "fire.Fire"})


def at_work(facts: Facts, line: int) -> list[TopStatement]:
    """The statements whose work, when the script is run, comes to that line: by themselves or by what they call."""
    around = statement_at(facts, line)
    if around is None or around.kind != "definition":
        return [around] if around is not None else []
    names = leading(facts, line)
    return [
        s
        for s in facts.statements
        if s.kind not in ("definition", "import") and (names & set(s.reads) or _RUNNERS & set(s.calls))
    ]


def at_guard(facts: Facts, definition: TopStatement) -> bool:
    """Whether the guarded part comes to a definition, by what it calls."""
    return any(s.kind == "guard" for s in at_work(facts, definition.span.line))


def leading(facts: Facts, line: int) -> frozenset[str]:
    """The names whose use comes to that line: the definition around it, those that use it, and what registers them."""
    around = statement_at(facts, line)
    found = set(around.binds) if around is not None and around.kind == "definition" else set[str]()
    imported = {n for s in facts.statements if s.kind == "import" for n in s.binds}
    while True:
        users = [s for s in facts.statements if s.kind == "definition" and (found & {*s.reads, *s.binds})]
        more = {n for s in users for n in (*s.binds, *s.decorators)} - imported
        if more <= found:
            return frozenset(found)
        found |= more
