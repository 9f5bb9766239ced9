"""Imports that worker processes do to find what they are to run, and that nothing which runs there reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixpickle.project import Crossing, Project
from fixpickle.survey.facts import Facts, ImportFact, LateImport, ToCall
from fixpickle_codemods._script_layout import each


@dataclass(frozen=True, slots=True)
class Worker:
    """A definition of the module that processes which import the module run: the steps there, where it is handed over.

    `place` is the file and the line of the statement that hands it over, `starts` whether that starts the processes.
    """

    name: str
    chain: tuple[str, ...]
    place: tuple[str, int]
    starts: bool


@dataclass(frozen=True, slots=True)
class Vain:
    """An import that `worker` is not in need of. It loads `packages`; `others` are workers that need it."""

    late: LateImport
    worker: Worker
    packages: tuple[str, ...]
    others: tuple[str, ...]


def in_vain(project: Project, facts: Facts) -> Iterator[Vain]:
    """The imports of a module that workers do and that at least one of them does not need."""
    workers = list(_workers(project, facts)) if facts.late_imports else []
    spared = list(_spared(facts, workers)) if workers else []
    own = {f.module: f for f in project.files} if spared else {}
    for late, sparing, needing in spared:
        packages = _loaded(project, own, facts, late)
        if packages:
            yield Vain(late, sparing[0], packages, tuple(dict.fromkeys(w.name for w in needing)))


def _spared(facts: Facts, workers: Sequence[Worker]) -> Iterator[tuple[LateImport, list[Worker], list[Worker]]]:
    """The imports that some of the workers have no use for, with these workers and the others."""
    runs = {w.name: _closure(facts, w.name) for w in workers}
    for late in facts.late_imports:
        users = {use.function.partition(".")[0] for use in late.uses}
        needing = [w for w in workers if users & runs[w.name]]
        sparing = [w for w in workers if w not in needing]
        if needing:
            # The same processes may run both: only those are told apart that are started where no other is handed over.
            sparing = [w for w in sparing if w.starts and all(o.starts and o.place != w.place for o in needing)]
        if sparing:
            yield late, sparing, needing


# --- workers --------------------------------------------------------------------------------------------------------


def _workers(project: Project, facts: Facts) -> Iterator[Worker]:
    for mention in facts.mentions:
        for sink in mention.sinks:
            for crossing in project.crossings(facts, [sink]):
                if _imports(facts, crossing):
                    line = sink.line if isinstance(sink, ToCall) else mention.line
                    yield _worker(facts, mention.name, crossing.chain, line)
    for other, handed in project.handed_on.get(facts.module, ()):
        found = next(project.crossings(other, handed.sinks), None)
        if found is not None and _imports(facts, found):
            name = project.real(handed.symbol).rpartition(".")[2]
            line = next((s.line for s in handed.sinks if isinstance(s, ToCall)), 0)
            yield _worker(other, name, (f"imported by {other.path.name}", *found.chain), line)


def _worker(facts: Facts, name: str, chain: tuple[str, ...], line: int) -> Worker:
    """`line` is that of the call in `facts` which hands the definition on."""
    lines = sorted(s.span.line for s in each(facts))
    begin = max((one for one in lines if one <= line), default=0)
    end = min((one for one in lines if one > line), default=sys.maxsize)
    return Worker(name, chain, (str(facts.path), begin), any(begin <= s.line < end for s in facts.starts))


def _imports(facts: Facts, crossing: Crossing) -> bool:
    """Whether the process at the other end imports the module; what a script defines may travel as code."""
    by_value = crossing.boundary.by_value and (facts.is_script or facts.guard is not None)
    return not by_value and not crossing.boundary.foreign_main


def _closure(facts: Facts, name: str) -> frozenset[str]:
    """The definition, and all that it leads to in the module."""
    reads = {n: frozenset(s.reads) for s in facts.statements for n in s.binds}
    found = {name}
    while more := {n for one in found for n in reads.get(one, ())} - found:
        found |= more
    return frozenset(found)


# --- packages -------------------------------------------------------------------------------------------------------


def _loaded(project: Project, own: Mapping[str, Facts], facts: Facts, late: LateImport) -> tuple[str, ...]:
    """The packages of others that the import loads; those left out that come along anyway where it loads our own."""
    top = late.module.partition(".")[0]
    if top and top not in project.tops:
        return (top,)
    mine = [i for i in facts.imports if i.span == late.span]
    others = [i for i in facts.imports if _at_once(i) and i.span != late.span]
    found = _brought(own, mine) - _brought(own, others)
    return tuple(sorted(p for p in found if p not in project.tops and p not in sys.stdlib_module_names))


def _brought(own: Mapping[str, Facts], imports: Iterable[ImportFact]) -> set[str]:
    """The packages that these imports load, through the project's own modules too."""
    pending = [name for i in imports for name in (i.module, i.target)]
    seen, found = set[str](), set[str]()
    while pending:
        name = pending.pop()
        if name in own and name not in seen:
            pending += [n for i in own[name].imports if _at_once(i) for n in (i.module, i.target)]
        elif name not in own:
            found.add(name.partition(".")[0])
        seen.add(name)
    return found


def _at_once(imported: ImportFact) -> bool:
    """Whether to import the module that has the import is to do that too."""
    return imported.top and not imported.lazy
