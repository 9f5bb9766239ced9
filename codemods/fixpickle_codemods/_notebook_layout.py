"""What forbids that definitions of a notebook's cells move to a module, in words that name cells. On facts alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from fixpickle.notebook import STAND_IN, Part
from fixpickle.project import Project
from fixpickle.survey.facts import Facts, TopStatement
from fixpickle.survey.wording import listed
from fixpickle_codemods._main_guard import Parting
from fixpickle_codemods._script_layout import Layout, each, names_of_the_script, unbound, under_guard, values
from fixpickle_codemods._top_statements import within

# What a value is made of that earlier cells may have set: the environment, the folder, the clock.
_OF_THE_MOMENT = re.compile(r"(os|pathlib|datetime|time|random|numpy\.random)\.")
_ASKING = frozenset({"globals", "locals", "vars", "dir"})
_GOES_ELSEWHERE = frozenset({"os.chdir", "os.fchdir"})


def cell_of(facts: Facts, statement: TopStatement) -> Part:
    """The cell that a statement stands in."""
    return next(c for c in reversed(facts.cells) if c.start <= statement.span.start)


def obstacle(project: Project, facts: Facts, plan: Layout) -> str:
    """Why the layout cannot be had, or an empty string."""
    checks = (
        _own_place,
        _commands,
        _bindings,
        names_of_the_script,
        values,
        _changed,
        _unknown,
        _order,
        _asked,
        _imports,
    )
    return next((reason for check in checks for reason in check(project, facts, plan)), "")


def _own_place(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    for name in plan.names:
        if all(s.kind != "definition" for s in each(facts) if name in s.binds):
            yield f"`{name}` is defined under a condition"
    if guarded := [s for s in (*plan.moved, *plan.imports) if s in under_guard(facts)]:
        yield f"{facts.at(guarded[0].span.line)} stands under `if __name__ == ...`: a notebook needs no such guard"
    for statement in plan.moved:
        cell = cell_of(facts, statement)
        made = listed(statement.binds) or f"what {facts.at(statement.span.line)} does"
        if cell.magic:
            yield f"{made} is defined in cell {cell.number}, which runs under {cell.magic}: define it in a cell without"
        if cell.set_from_outside:
            yield f"{made} is a parameter of the notebook (cell {cell.number}): pass it to the function as an argument"


def _commands(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """Commands of IPython: in what would move, about what would move, or that leave the notebook's folder."""
    for statement in plan.moved:
        if any(map(STAND_IN.fullmatch, statement.reads)):
            yield f"a magic command stands in {listed(statement.binds)}, at {facts.at(statement.span.line)} and below"
    for cell in facts.cells:
        if said := sorted(cell.mentioned & plan.binds):
            yield f"cell {cell.number} names {listed(said)} where it cannot be read as Python, and may set it"
        goes = any(c in _GOES_ELSEWHERE for s in facts.statements if cell_of(facts, s) is cell for c in s.calls)
        if goes or "cd" in cell.mentioned:
            yield f"cell {cell.number} changes the folder, and the module beside the notebook might not be found"


def _bindings(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    names = sorted(plan.reads | plan.binds)
    written = {n for s in facts.statements for n in s.global_writes}
    for name in names:
        by = [s for s in facts.statements if name in s.binds]
        cells = [str(cell_of(facts, s).number) for s in by]
        if name in written:
            yield f"`{name}` is written as a global, and the notebook and the module would each have their own"
        if any(s.kind in ("work", "guard") for s in by):
            where = next(facts.at(s.span.line) for s in by if s.kind in ("work", "guard"))
            yield f"`{name}` is worked out at {where}, which the module would not see: pass it as an argument"
        if len(by) > 1 and any(s.kind != "import" for s in by):
            yield f"`{name}` is bound more than once (cells {', '.join(cells)}): give each its own name"
        if len({i.target for i in facts.imports if i.top and i.local == name}) > 1:
            yield f"`{name}` is imported from two places (cells {', '.join(cells)})"


def _changed(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """What cells do to values that move: who imports the module has them as the module makes them."""
    parting = Parting(facts, frozenset(plan.names), frozenset(), 0, ())
    for statement in (s for s in facts.statements if s not in plan.moved):
        if mine := sorted(parting.changed_by(statement) & plan.binds):
            yield f"{listed(mine)} is changed at {facts.at(statement.span.line)}, which workers do not run"


def _unknown(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    if any("*" in s.binds for s in facts.statements):
        return
    if missing := sorted(unbound(facts, plan.reads)):
        yield f"it reads {listed(missing)}, which no cell binds and only the notebook's kernel may have"


def _order(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """All that moves is run where the first of it stood: earlier than it was, where work lies between."""
    first = plan.moved[0]
    between = [s for s in facts.statements if s.span > first.span and s not in plan.moved and _acts(s)]
    for late in (*plan.imports, *plan.moved):
        earlier = next((s for s in between if s.span < late.span), None)
        if earlier is None or late.span < first.span:
            continue
        momentary = any(map(_OF_THE_MOMENT.match, late.calls)) or "os" in late.reads
        if (late.kind == "import" and _foreign(facts, late)) or (late.kind == "assignment" and momentary):
            yield f"{facts.at(earlier.span.line)} may prepare what {facts.at(late.span.line)} takes: move that cell up"


def _asked(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """A cell binds all that it had in its first place: who asks in between what is bound would hear another answer."""
    for statement in (s for s in facts.statements if s not in plan.moved and _ASKING & set(s.reads)):
        cell = cell_of(facts, statement)
        here = [s.span < statement.span for s in plan.moved if cell_of(facts, s) is cell]
        if True in here and False in here:
            yield f"{facts.at(statement.span.line)} asks what is bound, in between definitions: move it to a cell below"


def _acts(statement: TopStatement) -> bool:
    return statement.kind == "work" or (statement.kind == "assignment" and bool(statement.calls or not statement.binds))


def _imports(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """Whether the module finds what it imports wherever it is imported."""
    needed = sorted({m for s in plan.imports for m in _foreign(facts, s)})
    if needed and any("sys.path" in c for s in facts.statements for c in s.calls):
        yield f"the notebook edits sys.path, and another process might not find {listed(needed)}"


def _foreign(facts: Facts, statement: TopStatement) -> frozenset[str]:
    """The packages that an import is of, the standard library's left out: those are found whatever cells have done."""
    inside = (i for i in facts.imports if within(i.span.start, statement))
    return frozenset(i.module.partition(".")[0] for i in inside) - sys.stdlib_module_names
