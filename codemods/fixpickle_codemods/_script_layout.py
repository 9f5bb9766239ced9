"""What of a script has to move when a definition of it does, and what forbids that. On facts alone."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fixpickle.project import Project
from fixpickle.survey.facts import Facts, ToCall, TopStatement
from fixpickle.survey.wording import listed
from fixpickle_codemods._top_statements import within

# Calls that make a value and do nothing else, so that they may run when a module is imported.
_MAKERS = re.compile(
    r"(builtins\.\w+|re\.compile|collections\.\w+|threading\.\w+|_thread\.\w+|queue\.\w+|typing\.\w+|enum\.\w+"
    r"|pathlib\.\w+|decimal\.Decimal|fractions\.Fraction|datetime\.\w+|functools\.\w+|operator\.\w+|dataclasses\.\w+"
    r"|builtins\.str\.\w+|string\.Template|struct\.Struct|uuid\.UUID|itertools\.\w+|random\.Random|types\.\w+|os\.getenv"
    r"|os\.path\.(join|dirname|basename|abspath|realpath|splitext|normpath)"
    r"|pathlib\.Path\(\)\.(resolve|absolute|joinpath|with_name|with_suffix)(\(\)\.with_name)?"
    r"|os\.environ\.get|logging\.getLogger|multiprocessing\.get_context"
    r"|numpy\.(array|asarray|zeros|ones|full|eye|arange|linspace|dtype|float\d+|u?int\d+))(\(\))?"
)
_DOING = frozenset(
    f"builtins.{name}"
    for name in (
        "open",
        "input",
        "print",
        "exec",
        "eval",
        "compile",
        "__import__",
        "next",
        "setattr",
        "delattr",
        "exit",
        "id",
        "hash",
    )
)
_PLAIN_BASES = frozenset(
    {"builtins.object", "abc.ABC", "typing.Generic", "typing.NamedTuple", "typing.Protocol", "builtins.Exception"}
)
_OF_THE_SCRIPT = frozenset({"__file__", "__name__", "__main__", "__spec__", "__package__", "__doc__", "__builtins__"})
_NAMESPACES = frozenset({"globals", "eval", "exec"})


@dataclass(frozen=True, slots=True)
class Layout:
    """`moved` leaves the script for the module, `imports` stand in both; each in the order of the script."""

    names: tuple[str, ...]
    moved: tuple[TopStatement, ...]
    imports: tuple[TopStatement, ...]

    @property
    def binds(self) -> frozenset[str]:
        """The names the script imports back."""
        return frozenset(n for s in self.moved for n in s.binds)

    @property
    def reads(self) -> frozenset[str]:
        """The names that the module must have."""
        return frozenset(n for s in (*self.moved, *self.imports) for n in (*s.reads, *s.global_writes))


def layout(facts: Facts, names: Sequence[str]) -> Layout:
    """These definitions and all they need: what they read, what shapes them, and what their instances are made with."""
    wanted = set(names)
    moved: set[TopStatement] = set()
    imports: set[TopStatement] = set()
    every = each(facts)
    while True:
        wanted |= {n for s in (*moved, *imports) for n in (*s.reads, *s.global_writes)} | set(_carried(facts, moved))
        fresh = [s for s in every if s not in moved and s not in imports and _belongs(facts, s, wanted, moved)]
        if not fresh:
            break
        imports |= {s for s in fresh if s.kind == "import"}
        moved |= {s for s in fresh if s.kind != "import"}
    return Layout(
        names=tuple(names),
        moved=tuple(s for s in every if s in moved),
        imports=tuple(s for s in every if s in imports),
    )


def each(facts: Facts) -> tuple[TopStatement, ...]:
    """The statements of a script one by one, those under its main guard too."""
    return tuple(one for s in facts.statements for one in (s.inner or (s,)))


def under_guard(facts: Facts) -> frozenset[TopStatement]:
    """The statements under its main guard."""
    return frozenset(one for s in facts.statements for one in s.inner)


def _belongs(facts: Facts, statement: TopStatement, wanted: set[str], moved: set[TopStatement]) -> bool:
    if statement.kind == "import":
        return bool(wanted & set(statement.binds)) or ("*" in statement.binds and bool(unbound(facts, wanted)))
    if statement.kind not in ("definition", "assignment"):
        return False
    if statement in under_guard(facts) and any(not makes(c, facts) for c in statement.calls):
        return False
    if statement.binds:
        return bool(wanted & set(statement.binds))
    if not statement.reads and not statement.calls:
        # A string below a constant documents it.
        index = each(facts).index(statement)
        return index > 0 and each(facts)[index - 1] in moved
    # `f.limit = 3` and `TABLE["f"] = f` bind nothing, and yet make what they name what it is.
    return any(set(s.binds) & set(statement.reads) for s in moved)


def unbound(facts: Facts, wanted: Iterable[str]) -> frozenset[str]:
    """Names that only a star import can have brought."""
    bound = {n for s in facts.statements for n in s.binds}
    return frozenset(n for n in wanted if n not in bound and not hasattr(builtins, n))


def _carried(facts: Facts, moved: Iterable[TopStatement]) -> Iterator[str]:
    """Definitions handed to a class that moves: its instances may carry them along when they are pickled."""
    classes = {c.name for c in facts.classes}
    owners = {f"{facts.module}.{n}" for s in moved for n in s.binds if n in classes}
    for mention in facts.mentions:
        for sink in mention.sinks:
            if isinstance(sink, ToCall) and (sink.callee in owners or sink.callee.split("()")[0] in owners):
                yield mention.name


# --- what forbids it ------------------------------------------------------------------------------------------------


def obstacle(project: Project, facts: Facts, plan: Layout) -> str:
    """Why the layout cannot be had, or an empty string."""
    checks = (_own_place, names_of_the_script, _bindings, _globals, values, _surroundings, _circle, _package)
    return next((reason for check in checks for reason in check(project, facts, plan)), "")


def _own_place(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    for name in plan.names:
        kind = next((s.kind for s in each(facts) if name in s.binds), "")
        if kind == "guard":
            yield f"`{name}` is defined under a main guard that has another branch or condition"
        elif kind != "definition":
            yield f"`{name}` is defined under a condition"


def names_of_the_script(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """Why what it reads means something else in a module."""
    if own := sorted(plan.reads & _OF_THE_SCRIPT):
        yield f"it reads {listed(own)}, which is another one in another module"
    if spaces := sorted(plan.reads & _NAMESPACES):
        yield f"it reads {listed(spaces)}, which sees the names of the module it stands in"


def _bindings(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    names, below = plan.reads | plan.binds, under_guard(facts)
    bound_by = {n: [s for s in each(facts) if n in s.binds] for n in names}
    stays = [s for s in each(facts) if s not in plan.moved and s not in plan.imports]
    by_work = {n for s in each(facts) if s.kind in ("work", "guard") or s in below for n in s.binds}
    if rebound := sorted(n for n in names & by_work if len(bound_by[n]) > 1):
        yield f"{listed(rebound)} is bound again by the script's work, which the module would not see"
    if work := sorted(n for n in names & by_work if any(s in stays for s in bound_by[n])):
        yield f"it reads {listed(work)}, set only by the script's own work: hand it to workers as an argument"
    twice = [n for n in sorted(names) if len(bound_by[n]) > 1 and any(s.kind != "import" for s in bound_by[n])]
    if twice:
        yield f"{listed(twice)} is bound more than once"
    for statement in plan.imports:
        imported = {i.local for i in facts.imports if within(i.span.start, statement)} | {"*"}
        if own := sorted((set(statement.binds) - imported) & plan.reads):
            yield f"{listed(own)} is bound under a condition"


def _globals(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """State that the script and the module would each have of their own: all that touches it must move."""
    written = {n for s in each(facts) for n in s.global_writes} & (plan.reads | plan.binds)
    for name in sorted(written):
        outside = [s for s in each(facts) if s not in plan.moved and name in (*s.reads, *s.binds, *s.global_writes)]
        for statement in outside:
            who = f"`{statement.binds[0]}`" if statement.kind == "definition" else f"line {statement.span.line}"
            yield f"`{name}` is written as a global, and {who} of the script would have one of its own"


def values(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """Why values that move may not be what they were: calls that do more, registries that would be filled elsewhere."""
    for statement in plan.moved:
        made = f"`{statement.binds[0]}`" if statement.binds else facts.at(statement.span.line)
        for call in statement.calls if statement.kind == "assignment" else ():
            if not makes(call, facts):
                yield f"{made} is made by a call that may do more than make a value{f' ({call})' if call else ''}"
    stay = [s for s in each(facts) if s not in plan.moved]
    tables = {n for s in plan.moved if s.kind == "assignment" for n in s.binds}
    for name in sorted({n for s in stay for n in s.decorators}):
        registered = next(s for s in stay if name in s.decorators)
        if name in plan.binds and any(d.startswith(f"{facts.module}.{name}.") for d in facts.decorators):
            yield f"`{name}` decorates {facts.at(registered.span.line)}, which would stay behind"
        if filled := sorted(tables & {n for s in each(facts) if name in s.binds for n in s.reads}):
            yield f"{listed(filled)} may be filled where `{name}` decorates definitions that stay behind"


def makes(call: str, facts: Facts) -> bool:
    """Whether calling it makes a value and does nothing else."""
    own = call.removeprefix(f"{facts.module}.") if call.startswith(f"{facts.module}.") else ""
    return (bool(_MAKERS.fullmatch(call)) and call not in _DOING) or (bool(own) and _is_plain(facts, own))


def _is_plain(facts: Facts, name: str) -> bool:
    """Whether making an instance of a class of the script does nothing but set its attributes."""
    bodies = [s for s in facts.statements if name in s.binds]
    cls = next((c for c in facts.classes if c.name == name), None)
    if cls is None or len(bodies) != 1 or cls.shaped or bodies[0].global_writes or bodies[0].changes:
        return False
    classes = {c.name for c in facts.classes}
    functions = {n for s in facts.statements if s.kind == "definition" for n in s.binds} - classes
    harmless = {i.local for i in facts.imports if i.target.split(".")[0] in ("dataclasses", "typing", "functools")}
    bound = {n for s in facts.statements for n in s.binds}
    if functions & set(bodies[0].early) or (set(bodies[0].decorators) & bound) - harmless:
        return False
    own = [b.removeprefix(f"{facts.module}.") for b in cls.bases if b not in _PLAIN_BASES]
    made = all(_MAKERS.fullmatch(c) and c not in _DOING for c in bodies[0].constructs)
    return made and all(b != name and _is_plain(facts, b) for b in own)


def _surroundings(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    outside = [s for s in facts.statements if s.kind in ("work", "assignment")]
    set_on_sys = any(s.kind == "assignment" and not s.binds and "sys" in s.reads for s in outside)
    edited = set_on_sys or any("sys.path" in c for s in outside for c in s.calls)
    found_anyway = all(_of_the_library(facts, s) for s in plan.imports)
    if edited and not found_anyway:
        yield "the script edits sys.path, and the module's imports may depend on it"
    if any(c.startswith("doctest.testmod") for s in facts.statements for c in s.calls):
        yield "doctest.testmod() would no longer see its examples"
    acts = [s for s in outside if s not in plan.moved and (s.kind == "work" or not s.binds)]
    for statement in acts:
        if facts.guard is not None and (used := sorted(set(statement.reads) & plan.binds)):
            yield f"line {statement.span.line} does work with {listed(used)} whenever the script is imported"
        for late in plan.imports:
            early = statement.span.start < late.span.start and (statement.reads or statement.calls)
            if early and not _of_the_library(facts, late):
                yield f"line {statement.span.line} may prepare what line {late.span.line} imports"


def _of_the_library(facts: Facts, statement: TopStatement) -> bool:
    """Whether an import is of the standard library, which is found whatever the script has done."""
    modules = [i.module for i in facts.imports if within(i.span.start, statement)]
    return all(m.partition(".")[0] in sys.stdlib_module_names for m in modules)


def _circle(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    """Modules that what moves imports, and that import the script: it and the new module would import each other."""
    files = {f.module: f for f in project.files}
    for statement in plan.imports:
        pending = [i.module for i in facts.imports if within(i.span.start, statement)]
        first, seen = pending[0] if pending else "", set[str]()
        while pending:
            module = pending.pop()
            if module in seen or module not in files:
                continue
            seen.add(module)
            pending += [name for i in files[module].imports if i.top for name in (i.module, i.target)]
        if facts.module in seen:
            yield f"it needs `{first}`, which imports the script, and so the module it would move to, in a circle"


def _package(project: Project, facts: Facts, plan: Layout) -> Iterator[str]:
    if facts.path.name == "__main__.py" and "." in facts.module:
        return  # it is run with -m
    if "." in facts.module:
        top = f"{facts.module.partition('.')[0]}."
        plain = {s.span for s in facts.statements if s.kind == "import"}
        if not any(i.span in plain and i.target.startswith(top) for i in facts.imports):
            yield "it is in a package, and whether it is run by its path or with -m cannot be seen"
    elif facts.guard is None:
        for other in project.files:
            if other is not facts and any(i.target.split(".")[0] == facts.module for i in other.imports):
                yield f"{other.path.name} imports it and so runs its work, which a main guard would end"
