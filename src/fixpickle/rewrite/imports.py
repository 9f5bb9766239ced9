"""Imports a fix needs, and the runtime module that rewritten code gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fixpickle.model import Edit, NewFile, Refusal, Settings, Source
from fixpickle.rewrite.place import line_end, line_start
from fixpickle.survey.facts import Facts


@dataclass(frozen=True, slots=True)
class Imported:
    """How rewritten code names what it imports, and what has to be added for that."""

    code: str
    edits: tuple[Edit, ...] = ()
    new_files: tuple[NewFile, ...] = ()


def require(facts: Facts, source: Source, module: str, name: str) -> Imported:
    """`module.name` by the file's own import where it has one at module level, else by a new import."""
    for fact in facts.imports:
        if fact.top and not fact.whole and fact.target == f"{module}.{name}" and _bound_once(facts, fact.local):
            return Imported(fact.local)
    for fact in facts.imports:
        if fact.top and fact.whole and fact.target == module and "." not in module and _bound_once(facts, fact.local):
            return Imported(f"{fact.local}.{name}")
    if not re.search(rf"\b{re.escape(name)}\b", source.text):
        return Imported(name, (import_line(facts, source, f"from {module} import {name}"),))
    alias = f"_{module.rpartition('.')[2]}"
    while re.search(rf"\b{alias}\b", source.text):
        alias = f"_{alias}"
    return Imported(f"{alias}.{name}", (import_line(facts, source, f"import {module} as {alias}"),))


def _bound_once(facts: Facts, name: str) -> bool:
    return sum(name in s.binds for s in facts.statements) == 1 and any(
        name in s.binds and s.kind == "import" for s in facts.statements
    )


def import_line(facts: Facts, source: Source, line: str) -> Edit:
    """Adds an import after the imports that start the file, else after its docstring, else before its first statement."""
    text, after, gap = source.text, 0, ""
    for statement in facts.statements:
        if statement.kind not in ("docstring", "future", "import") or "\n" in _head(text, statement.span.start):
            break
        one_line = text[statement.span.start : statement.span.end].startswith(("import ", "from "))
        if one_line or statement.kind != "import":
            after = line_end(text, statement.span.end)
            gap = "\n" if statement.kind == "docstring" else ""
    if after:
        if not text[:after].endswith(("\n", "\r")):
            gap = "\n"
        return Edit(source.path, after, after, f"{gap}{line}\n")
    first = next((s.span.start for s in facts.statements), len(text))
    at = line_start(text, first)
    return Edit(source.path, at, at, f"{line}\n\n")


def _head(text: str, offset: int) -> str:
    """What stands before a statement on its line: something, where statements share a line by `;`."""
    return "\n" if text[line_start(text, offset) : offset].strip() else ""


# --- the runtime ----------------------------------------------------------------------------------------------------

MARK = "fixpickle"


def runtime_text(part: str) -> str:
    """The source of one runtime module, as it is copied beside rewritten code."""
    return files("fixpickle.runtime").joinpath(f"{part}.py").read_text("utf-8")


def require_runtime(facts: Facts, source: Source, settings: Settings, part: str) -> Imported | Refusal:
    """The runtime module `part` (locks, parallel, calls): copied into the package, or imported from fixpickle.

    The copy goes to the outermost package of the file, or beside a file that is in none.
    """
    local = f"_fixpickle_{part}"
    for fact in facts.imports:
        if fact.top and fact.target.endswith((f".{local}", f"fixpickle.runtime.{part}")) or fact.target == local:
            return Imported(fact.local, (), _copy(facts, settings, part))
    if re.search(rf"\b{local}\b", source.text):
        return Refusal(source.path, f"the name {local} is already used in this file")
    if settings.runtime == "package":
        line = f"from fixpickle.runtime import {part} as {local}"
        return Imported(local, (import_line(facts, source, line),))
    new = _copy(facts, settings, part)
    if not new and not _ours(_home(facts) / f"{local}.py"):
        return Refusal(source.path, f"{local}.py is already there and is not fixpickle's")
    depth = facts.module.count(".") + (1 if facts.package else 0)
    line = f"from {'.' * depth} import {local}" if depth else f"import {local}"
    return Imported(local, (import_line(facts, source, line),), new)


def _home(facts: Facts) -> Path:
    """The folder of the outermost package, or the file's own where it is in none."""
    in_package = "." in facts.module or facts.package
    return facts.root / facts.module.split(".")[0] if in_package else facts.path.parent


def _copy(facts: Facts, settings: Settings, part: str) -> tuple[NewFile, ...]:
    path = _home(facts) / f"_fixpickle_{part}.py"
    if settings.runtime == "package" or path.exists():
        return ()
    return (NewFile(path, runtime_text(part)),)


def _ours(path: Path) -> bool:
    try:
        return MARK in path.read_text("utf-8", "replace")[:2000]
    except OSError:
        return False
