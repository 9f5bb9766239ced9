"""# main-definition

A function or class of a script that is pickled where another program, or a worker that does not know the script, loads
it. Pickle stores it as `__main__.name`, and there `__main__` is another file:

    AttributeError: Can't get attribute 'Point' on <module '__main__' from 'load.py'>
    PicklingError: Can't pickle <function work>: attribute lookup work on __main__ failed

A script without a main guard fails before that: workers that are spawned, or come from a forkserver (the default on
Linux from Python 3.14), run it again from its start.

## What it becomes

The definitions move to a module beside the script, `<script>_defs.py`, with the constants, imports and helpers they
need, in their order. The script imports them back, so every old name still resolves, and pickles that name
`__main__.name` still load in it. Where the script has no `if __name__ == "__main__":`, its work is put under one, in
the same change.

## What it leaves alone

Scripts with a main guard whose definitions only go to `multiprocessing` or `concurrent.futures` workers: those import
the script under another name, and find them. Boundaries that ship definitions of `__main__` by value (Ray, Dask, loky).

## When it refuses

A definition reads a global that only the script's work sets: it would be missing where the module is imported. It
writes a `global`, or reads `__file__`, `__name__` or `__main__`. A constant it needs is bound twice, or is made by a
call that may do more than make a value. The script edits `sys.path`, is imported by another file while its work is
unguarded, or alternates between work and definitions. The script is in a package and has no relative import that
would tell how it is run.

What changes: workers need the new file; cache keys that contain `__module__` (joblib.Memory, datasets) change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from fixpickle.model import Edit, Evidence, Finding, FromScript, NewFile, Patch, Reach, Refusal, Safety, Source
from fixpickle.project import Crossing, Project
from fixpickle.rewrite import attached_start, import_line, without_statement
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, TopStatement

# Calls that make a value and do nothing else, so that they may run when a module is imported.
_MAKERS = re.compile(
    r"(builtins\.\w+|re\.compile|collections\.\w+|threading\.\w+|_thread\.\w+|typing\.\w+|enum\.\w+|pathlib\.\w+"
    r"|decimal\.Decimal|fractions\.Fraction|datetime\.\w+|functools\.\w+|operator\.\w+|os\.path\.join|dataclasses\.\w+"
    r"|string\.Template|struct\.Struct|uuid\.UUID|itertools\.\w+)(\(\))?"
)
_DOING = frozenset(
    {"builtins.open", "builtins.input", "builtins.print", "builtins.exec", "builtins.eval", "builtins.__import__"}
)
_OF_THE_SCRIPT = frozenset({"__file__", "__name__", "__main__", "__spec__", "__package__", "__doc__", "__builtins__"})


class MainDefinition:
    """A definition of a script that must be loaded where `__main__` is another file."""

    name = "main-definition"
    summary = "what a script defines is pickled as `__main__.name`, which no other program finds"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """At most one finding a script: its definitions move as one."""
        reached = _reached(project, facts)
        if not reached:
            return
        names = [name for name, _ in reached]
        first = next(s for s in facts.statements if names[0] in s.binds)
        crossing = reached[0][1]
        reason = _reason(project, facts, names)
        yield Finding(
            rule=self.name,
            path=facts.path,
            span=first.span,
            message=f"{_listed(names)} of the script {facts.path.name} cannot be found by another process",
            reach=Reach(Evidence.BOUNDARY, crossing.chain, "pickle"),
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The definitions in a module of their own, imported back, and the work under a main guard."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        names = [name for name, _ in _reached(shop.project, facts)]
        moved = _moved(facts, names)
        module = _free_module(facts, shop)
        path = facts.path.with_name(f"{module}.py")
        guard = _guarded(facts, source, moved)
        if isinstance(guard, str):
            return Refusal(finding.path, guard, finding.span.line, finding.rule)
        back = sorted({n for s in moved for n in s.binds}, key=str.casefold)
        dot = "." if "." in facts.module else ""
        package = facts.module.rpartition(".")[0]
        full = f"{package}.{module}" if package else module
        removed = [without_statement(facts.path, source.text, s.span, alone=False) for s in moved]
        return Patch(
            finding=finding,
            edits=(*removed, import_line(facts, source, _import_back(f"{dot}{module}", back)), *guard),
            new_files=(NewFile(path, _module_text(facts, source, moved)),),
            subjects=tuple(FromScript(facts.path, full, name) for name in names),
            notes=(f"workers need {path.name} beside the script; pickles name {full} from now on",),
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


# --- what is reached ------------------------------------------------------------------------------------------------


def _reached(project: Project, facts: Facts) -> list[tuple[str, Crossing]]:
    """The script's definitions that are pickled by name for a process that does not find them."""
    if not any(s.kind in ("guard", "work") for s in facts.statements):
        return []
    unguarded = facts.guard is None
    by_pickle = any(r.symbol.endswith("set_loky_pickler") and r.argument == "'pickle'" for r in facts.references)
    found: list[tuple[str, Crossing]] = []
    for mention in facts.mentions:
        for crossing in project.crossings(facts, mention.sinks):
            boundary = crossing.boundary
            switched = by_pickle and boundary.name.startswith("loky.")
            respawned = unguarded and not boundary.by_value and boundary.action != "rewrite-persist"
            if boundary.foreign_main or switched or (respawned and _at_top(facts, crossing)):
                found.append((mention.name, crossing))
                break
    return found


def _at_top(facts: Facts, crossing: Crossing) -> bool:
    """Whether the script crosses the boundary in work of its own, which a respawned worker would do again."""
    return any(s.kind in ("work", "assignment") and s.calls for s in facts.statements)


def _moved(facts: Facts, names: Sequence[str]) -> list[TopStatement]:
    """The statements that bind these names, and all that those need, in the order of the script; imports left out."""
    wanted, found = set(names), list[TopStatement]()
    while True:
        fresh = [
            s
            for s in facts.statements
            if s.kind in ("definition", "assignment") and wanted & set(s.binds) and s not in found
        ]
        if not fresh:
            return [s for s in facts.statements if s in found]
        found += fresh
        wanted |= {name for s in fresh for name in s.reads}


# --- what forbids it ------------------------------------------------------------------------------------------------


def _reason(project: Project, facts: Facts, names: Sequence[str]) -> str:
    moved = _moved(facts, names)
    reads = {n for s in moved for n in s.reads}
    binds = {n for s in moved for n in s.binds}
    bound_by = {n: [s for s in facts.statements if n in s.binds] for n in reads | binds}
    if own := sorted(reads & _OF_THE_SCRIPT):
        return f"it reads {_listed(own)}, which is another one in another module"
    if written := sorted({n for s in facts.statements for n in s.global_writes if n in reads | binds}):
        return f"{_listed(written)} is written as a global, and the script and the module would each have their own"
    if work := sorted({n for n in reads for s in bound_by[n] if s.kind in ("work", "guard")}):
        return f"it reads {_listed(work)}, set only by the script's own work: workers would not have it"
    if twice := sorted(n for n in reads | binds if len(bound_by[n]) > 1):
        return f"{_listed(twice)} is bound more than once"
    for statement in moved:
        if statement.kind == "assignment" and (doing := [c for c in statement.calls if not _makes(c)]):
            return (
                f"`{statement.binds[0]}` is made by a call that may do more than make a value ({doing[0] or 'unknown'})"
            )
    if any("sys.path" in c for s in facts.statements for c in s.calls):
        return "the script edits sys.path, and the module's imports may depend on it"
    return _layout_reason(project, facts)


def _makes(call: str) -> bool:
    return bool(_MAKERS.fullmatch(call)) and call not in _DOING


def _layout_reason(project: Project, facts: Facts) -> str:
    if "." in facts.module and facts.guard is None:
        return "it is a module of a package, not a script"
    if "." in facts.module and not any(i.target.startswith(facts.module.split(".")[0] + ".") for i in facts.imports):
        return "it is in a package, and whether it is run by its path or with -m cannot be seen"
    importers = [
        f.path.name
        for f in project.files
        if f is not facts and any(i.target.split(".")[0] == facts.module for i in f.imports)
    ]
    if facts.guard is None and importers:
        return f"{importers[0]} imports it and so runs its work, which a main guard would end"
    return ""


# --- the two files --------------------------------------------------------------------------------------------------


def _free_module(facts: Facts, shop: Workshop) -> str:
    """A module name beside the script that no file has, and that says where its content comes from."""
    stem = re.sub(r"\W", "_", facts.path.stem)
    wanted = name = f"{stem}_defs"
    number = 1
    while facts.path.with_name(f"{name}.py").exists() or facts.path.with_name(name).exists() or name in shop.taken:
        number += 1
        name = f"{wanted}_{number}"
    shop.taken.add(name)
    return name


def _import_back(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 88:
        return line
    return f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"


def _module_text(facts: Facts, source: Source, moved: Sequence[TopStatement]) -> str:
    """The new module: what it is for, the imports that the moved code reads, and the moved code as it was."""
    reads = {n for s in moved for n in s.reads}
    text = source.text
    heads = [s for s in facts.statements if s.kind == "future" or (s.kind == "import" and reads & set(s.binds))]
    parts = [f'"""Definitions of {facts.path.name} that other processes import."""\n']
    futures = [text[s.span.start : s.span.end] for s in heads if s.kind == "future"]
    imports = [text[s.span.start : s.span.end] for s in heads if s.kind == "import"]
    parts += ["\n".join(group) + "\n" for group in (futures, imports) if group]
    body = ""
    for statement in moved:
        gap = (
            "\n"
            if body and statement.kind == "assignment" and body.endswith("\n") and "\n\n" not in body[-2:]
            else "\n\n\n"
        )
        code = text[attached_start(text, statement.span.start) : statement.span.end].rstrip()
        body = f"{body.rstrip()}{gap if body else ''}{code}\n"
    spaced = (
        "\n".join(parts) + ("\n\n" if body.lstrip().startswith(("def ", "class ", "@", "async ", "#")) else "\n") + body
    )
    return spaced.replace("\r\n", "\n").replace("\n", source.newline)


def _guarded(facts: Facts, source: Source, moved: Sequence[TopStatement]) -> tuple[Edit, ...] | str:
    """The script's work under a main guard, where it has none; or the reason why that cannot be done in one piece."""
    if facts.guard is not None:
        return ()
    stay = [s for s in facts.statements if s not in moved]
    start = next((i for i, s in enumerate(stay) if s.kind == "work"), len(stay))
    work = stay[start:]
    if not work:
        return ()
    if any(s.kind == "definition" for s in work):
        return (
            "the script's work and its definitions alternate: put the work under a main guard by hand, then run again"
        )
    begin = attached_start(source.text, work[0].span.start)
    if any(s.span.start > work[0].span.start for s in moved):
        return "definitions to be moved stand between the script's work: put the work under a main guard by hand"
    return (Edit(facts.path, begin, len(source.text), _under_guard(source.text[begin:])),)


def _under_guard(code: str) -> str:
    """Statements as the body of a main guard. Libcst indents them, and leaves the inside of long strings alone."""
    module = cst.parse_module(code)
    first = module.body[0]
    lines = [*module.header, *getattr(first, "leading_lines", ())]
    body = [first.with_changes(leading_lines=lines), *module.body[1:]]
    test = cst.parse_expression('__name__ == "__main__"')
    block = cst.IndentedBlock(body, footer=module.footer)
    guard = cst.Module([cst.If(test, block)], default_indent=module.default_indent)
    return guard.code.replace("\r\n", "\n")


RULE = MainDefinition()
