"""# notebook-definition

A function or class of a notebook that is pickled by its name for a process that does not have the notebook. Pickle
stores it as `__main__.name`, and in a worker that is spawned, or comes from a forkserver, `__main__` is another module:

    AttributeError: Can't get attribute 'work' on <module '__main__' (built-in)>
    AttributeError: module '__main__' has no attribute 'work'

Spawn is what macOS and Windows start workers with, forkserver what Linux does from Python 3.14. The pool then starts
workers for ever, or breaks with `BrokenProcessPool`.

## What it becomes

The definitions move to a module beside the notebook, `<notebook>_defs.py`, with the constants, imports and helpers they
need, in the order of the cells. Each cell imports what it defined. Only the sources of these cells change in the file:
outputs, metadata, ids, the order of keys, indentation and newlines keep their bytes.

## What it leaves alone

Boundaries that ship what `__main__` defines by value (Ray, Dask, joblib and loky). Workers that the notebook says are
forked. Definitions that no cell hands to another process. Notebooks that load themselves what they dump. Notebooks
of other languages, and copies in `.ipynb_checkpoints`.

## When it refuses

A definition reads what a cell works out: pass it as an argument. It is defined twice, or a constant it reads is set
again by another cell, or is a parameter of the notebook (papermill). It is defined under a cell magic (`%%time`), holds
a magic command, or a magic command that cannot be read as Python names it. It reads what only the kernel has (`Out`,
`display`). It writes a `global`. Cells in between may prepare an import that the module would do earlier. A cell leaves
the folder of the notebook. What is pickled has no name: a lambda, or what is defined in a function.

What changes: the kernel must be restarted, and from then on the code is edited in the module. Workers need the module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import (
    CellsRun,
    Edit,
    Evidence,
    Finding,
    FromScript,
    NewFile,
    Patch,
    Reach,
    Refusal,
    Safety,
    Source,
)
from fixpickle.notebook import Part
from fixpickle.project import Crossing, Project
from fixpickle.rewrite import line_end
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Kind, Sink, ToCall, TopStatement
from fixpickle.survey.wording import listed
from fixpickle_codemods._foreign_main import loads_itself
from fixpickle_codemods._notebook_layout import cell_of, obstacle
from fixpickle_codemods._script_files import free_module, import_back, module_text, shares_a_line, statement_start
from fixpickle_codemods._script_layout import Layout, each, layout
from fixpickle_codemods._script_processes import at_work


class NotebookDefinition:
    """A definition of a notebook's cells that must be loaded where `__main__` is not the notebook."""

    name = "notebook-definition"
    summary = "what a notebook's cells define is pickled as `__main__.name`, which no worker finds"
    safety = Safety.SAFE
    notebooks = "it is about nothing else"

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding for what has a name, since it moves as one; and one for each thing that has none."""
        if not facts.cells:
            return
        yield from self._nameless(project, facts)
        reached = list(_reached(project, facts))
        if not reached:
            return
        names = [r.name for r in reached]
        reason = obstacle(project, facts, layout(facts, names))
        yield Finding(
            rule=self.name,
            path=facts.path,
            span=next(s for s in each(facts) if names[0] in s.binds).span,
            message=f"{listed(names)} of the notebook {facts.path.name} cannot be found by another process",
            reach=Reach(Evidence.BOUNDARY, reached[0].crossing.chain, "pickle"),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def _nameless(self, project: Project, facts: Facts) -> Iterator[Finding]:
        for made in facts.definitions:
            crossing = next(_crossings(project, facts, made.sinks, made.line), None)
            if crossing is None:
                continue
            what = "a lambda" if made.kind is Kind.LAMBDA else f"`{made.name}`, defined in a function,"
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=made.span,
                message=f"{what} has no name that another process could find it by",
                reach=Reach(Evidence.BOUNDARY, crossing.chain, "pickle"),
                safety=Safety.MANUAL,
                reason="write it as a `def` or `class` of its own in a cell, then run again",
            )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The definitions in a module of their own, and in each cell the import of those it had."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        plan = layout(facts, [r.name for r in _reached(shop.project, facts)])
        if shares_a_line(source, (*plan.moved, *plan.imports)):
            reason = "two statements share a line: put each on its own, then run again"
            return Refusal(finding.path, reason, finding.span.line, finding.rule)
        module = free_module(facts, shop)
        path = facts.path.with_name(f"{module}.py")
        return Patch(
            finding=finding,
            edits=tuple(_edits(facts, source, plan, module)),
            new_files=(NewFile(path, module_text(facts, source, plan)),),
            subjects=(
                *([CellsRun(facts.path, module)] if shop.settings.run_notebooks else []),
                *(FromScript(facts.path, module, name) for name in plan.names),
            ),
            notes=(
                f"restart the kernel before you run the cells again; edit the code in {path.name} from now on",
                f"workers need {path.name} beside the notebook; pickles name {module} from now on",
            ),
        )


# --- what is reached ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reached:
    """A definition of the notebook that is pickled by name for a process that does not find it."""

    name: str
    crossing: Crossing


def _reached(project: Project, facts: Facts) -> Iterator[_Reached]:
    met: set[str] = set()
    for mention in facts.mentions:
        found = next(_crossings(project, facts, mention.sinks, mention.line), None)
        if found is not None and mention.name not in met:
            met.add(mention.name)
            yield _Reached(mention.name, found)


def _crossings(project: Project, facts: Facts, sinks: Sequence[Sink], line: int) -> Iterator[Crossing]:
    """The boundaries that cells come to and that ship by name, to a process that has another `__main__`."""
    forked = any(r.symbol == "multiprocessing.set_start_method" and r.argument == "'fork'" for r in facts.references)
    by_pickle = any(c.pickler == "pickle" and not c.covers for c in facts.pickler_choices)
    for sink in sinks:
        run = [s for s in at_work(facts, sink.line if isinstance(sink, ToCall) else line) if s.kind != "definition"]
        for crossing in project.crossings(facts, [sink]) if run else ():
            boundary = crossing.boundary
            switched = by_pickle and boundary.name.startswith(("loky.", "joblib.Parallel"))
            stays = loads_itself(facts, crossing) if boundary.foreign_main else forked
            if switched or not (boundary.by_value or stays):
                yield crossing


# --- the cells ------------------------------------------------------------------------------------------------------


def _edits(facts: Facts, source: Source, plan: Layout, module: str) -> Iterator[Edit]:
    """In each cell, the import of what it defined in the place of the first of it; the rest goes."""
    for cell in facts.cells:
        moved = [s for s in plan.moved if cell_of(facts, s) is cell]
        back = import_back(module, {n for s in moved for n in s.binds}) if moved else ""
        if moved and not any(s.binds for s in moved):
            back = f"import {module}"  # it only shaped what other cells define
        for number, (start, end) in enumerate(_stretches(source.text, cell, moved)):
            yield from _edit(source, cell, start, end, back if number == 0 else "")


def _stretches(text: str, cell: Part, moved: Sequence[TopStatement]) -> Iterator[tuple[int, int]]:
    """The statements with their comments, neighbours in one stretch."""
    found: list[tuple[int, int]] = []
    for statement in moved:
        start = max(statement_start(text, statement), cell.start)
        end = min(line_end(text, statement.span.end), cell.end)
        if found and not text[found[-1][1] : start].strip():
            start = found.pop()[0]
        found.append((start, end))
    yield from found


def _edit(source: Source, cell: Part, start: int, end: int, code: str) -> Iterator[Edit]:
    """The stretch with the blank lines below it, replaced by `code` and one blank line, where anything follows."""
    text = source.text
    below = text[end : cell.end]
    follows = below.lstrip()
    end += len(below) - len(below.lstrip("\r\n"))
    if code:
        newline = "\n\n" if follows and end > start + len(text[start:end].rstrip()) + 1 else "\n" if follows else ""
        yield Edit(source.path, start, end, code + newline)
    elif follows:
        yield Edit(source.path, start, end, "")
    else:
        above = len(text[cell.start : start].rstrip())
        yield Edit(source.path, cell.start + above, end, "")


RULE = NotebookDefinition()
