"""Imports a fix needs, and the runtime module that rewritten code gets."""

from __future__ import annotations

import io
import re
import symtable
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from fixpickle.model import Edit, NewFile, Refusal, Settings, Source, Span
from fixpickle.rewrite.place import attached_start, line_end, line_start
from fixpickle.survey.facts import Facts, TopStatement


@dataclass(frozen=True, slots=True)
class Imported:
    """How rewritten code names what it imports, and what has to be added for that."""

    code: str
    edits: tuple[Edit, ...] = ()
    new_files: tuple[NewFile, ...] = ()


_WIDTH = 88  # black's own: a longer line would be broken
_DUNDER = re.compile(r"__\w+__\s*(:[^=]+)?=[^=]")


def require(facts: Facts, source: Source, module: str, name: str) -> Imported:
    """`module.name` by the file's own import where it has one at module level, else by a new import."""
    for fact in facts.imports:
        if fact.top and not fact.whole and fact.target == f"{module}.{name}" and _means_it(facts, source, fact.local):
            return Imported(fact.local)
    for fact in facts.imports:
        whole = fact.top and fact.whole and fact.target == module and "." not in module
        if whole and _means_it(facts, source, fact.local):
            return Imported(f"{fact.local}.{name}")
    if not _taken(source.text, name):
        return Imported(name, (_joined(facts, source, module, name),))
    alias = f"_{module.rpartition('.')[2]}"
    while re.search(rf"\b{alias}\b", source.text):
        alias = f"_{alias}"
    return Imported(f"{alias}.{name}", (import_line(facts, source, f"import {module} as {alias}"),))


def _taken(text: str, name: str) -> bool:
    """Whether the file uses the name for something: as a word of its own, or in an f-string, but not behind a dot."""
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        in_string = token.type == tokenize.STRING and "f" in token.string[:2].lower() and name in token.string
        if in_string or (token.type == tokenize.NAME and token.string == name and before != "."):
            return True
        before = token.string
    return False


def _means_it(facts: Facts, source: Source, name: str) -> bool:
    """Whether an import alone binds the name, and no function or class of the file gives it a meaning of its own."""
    kinds = [s.kind for s in facts.statements if name in s.binds]
    return kinds == ["import"] and not _local_to_some(source.text, name)


@lru_cache(16)
def _local_to_some(text: str, name: str) -> bool:
    if len(re.findall(rf"\b{re.escape(name)}\b", text)) == 1:
        return False
    tables = symtable.symtable(text, "<text>", "exec").get_children()
    for table in tables:
        tables += table.get_children()
    return any(name in table.get_identifiers() and table.lookup(name).is_local() for table in tables)


def _joined(facts: Facts, source: Source, module: str, name: str) -> Edit:
    """Adds a name to an import of others of its module, on one line among those that start the file; else an import."""
    start = f"from {module} import "
    for statement in _header(facts, source.text):
        line = source.text[statement.span.start : statement.span.end]
        names = line[len(start) :].split(", ") if line.startswith(start) else []
        if names and all(n.isidentifier() for n in names) and len(f"{line}, {name}") <= _WIDTH:
            before = [n for n in names if n < name] if names == sorted(names) else names
            at = statement.span.start + len(start) + len(", ".join(before))
            return Edit(source.path, at, at, f", {name}" if before else f"{name}, ")
    return import_line(facts, source, f"from {module} import {name}")


def import_line(facts: Facts, source: Source, line: str) -> Edit:
    """Adds an import to those that start the file, behind the last of its own kind; else behind the docstring.

    One of the standard library goes where the order of the others has it: when it is imported matters to nobody.
    """
    text = source.text
    header = list(_header(facts, text))
    if line.startswith("from __future__"):
        header = [s for s in header if s.kind != "assignment"]
    imports = [s for s in header if s.kind in ("future", "import")]
    alike = [s for s in imports if _group(text[s.span.start : s.span.end]) <= _group(line)]
    if alike:
        own = [s for s in alike if _group(text[s.span.start : s.span.end]) == _group(line) == 1]
        placed = _in_order(own, source, line) if own else None
        if placed is not None:
            return placed
        last = alike[-1]
        same = _group(text[last.span.start : last.span.end]) == _group(line)
        return _behind(source, last.span, "" if same else "\n", line)
    if imports:
        at = imports[0].span.start
        return Edit(source.path, at, at, f"{line}\n\n")
    if header:
        return _behind(source, header[-1].span, "\n", line)
    return _before(facts, source, line)


def _in_order(alike: Sequence[TopStatement], source: Source, line: str) -> Edit | None:
    """Adds an import where the order of those alike has it; None where they have no order.

    Sources: isort's default, whole modules first, and its `force_sort_within_sections`, by the names of modules.
    """
    for whole_first in (True, False):
        keys = [_rank(source.text[s.span.start : s.span.end], whole_first) for s in alike]
        if keys == sorted(keys):
            above = [s for s, own in zip(alike, keys, strict=True) if own < _rank(line, whole_first)]
            at = alike[0].span.start
            return _behind(source, above[-1].span, "", line) if above else Edit(source.path, at, at, f"{line}\n")
    return None


def _rank(line: str, whole_first: bool) -> tuple[bool, str]:
    return whole_first and line.startswith("from "), re.split(r"[\s,;]+", line)[1].lower()


def _before(facts: Facts, source: Source, line: str) -> Edit:
    """Where nothing fit to go behind starts the file: before its first statement, or on the line of what must lead."""
    text = source.text
    leading = next((s for s in facts.statements if s.kind not in ("docstring", "future")), None)
    if leading is None:
        at = len(text)
        return Edit(source.path, at, at, ("\n" if text and not text.endswith(("\n", "\r")) else "") + f"{line}\n")
    at = leading.span.start
    if _head(text, at):
        return Edit(source.path, at, at, f"{line}; ")
    above = attached_start(text, at)
    # The comments of the statement stay with it; a shebang and a coding cookie stay where they must be.
    at = line_start(text, at) if above == 0 and _must_lead(text) else above
    gap = "\n\n\n" if leading.kind == "definition" else "\n\n"
    return Edit(source.path, at, at, f"{line}{gap}")


def _must_lead(text: str) -> bool:
    first, second = (text.split("\n", 2) + ["", ""])[:2]
    return first.startswith(("#!", "\ufeff#!")) or "coding" in first or (second.startswith("#") and "coding" in second)


def _header(facts: Facts, text: str) -> Iterator[TopStatement]:
    """The docstring and the plain imports that start a file, `__all__` and the like among them, up to other code."""
    for statement in facts.statements:
        one = text[statement.span.start : statement.span.end]
        named = statement.kind == "assignment" and _DUNDER.match(one) is not None
        known = named or statement.kind in ("docstring", "future", "import")
        if not known or _head(text, statement.span.start):
            return
        plain = named or statement.kind == "docstring" or one.startswith(("import ", "from "))
        if plain and not _tail(text, statement.span.end):
            yield statement


def _group(line: str) -> int:
    """The order in which imports stand: __future__, standard library, other packages, the package's own."""
    top = re.split(r"[\s,;]+", line)[1]
    if top.startswith((".", "_fixpickle_")):
        return 3
    top = top.split(".")[0]
    if top == "__future__":
        return 0
    return 1 if top in sys.stdlib_module_names else 2


def _behind(source: Source, span: Span, gap: str, line: str) -> Edit:
    at = line_end(source.text, span.end)
    broken = "" if source.text[:at].endswith(("\n", "\r")) else "\n"
    return Edit(source.path, at, at, f"{broken}{gap}{line}\n")


def _tail(text: str, offset: int) -> bool:
    """Whether another statement follows on the same line, behind a `;`."""
    return text[offset : line_end(text, offset)].lstrip().startswith(";")


def _head(text: str, offset: int) -> bool:
    """Whether another statement stands before this one on its line."""
    return bool(text[line_start(text, offset) : offset].strip())


# --- the runtime ----------------------------------------------------------------------------------------------------

MARK = "Copied by fixpickle"


def runtime_text(part: str) -> str:
    """The source of one runtime module, as it is copied beside rewritten code."""
    return files("fixpickle.runtime").joinpath(f"{part}.py").read_text("utf-8")


def runtime_module(facts: Facts, source: Source, settings: Settings, part: str) -> str:
    """How this file writes the runtime module `part` (locks, parallel, calls) behind `from`: with dots, or a name."""
    if settings.runtime == "package":
        return f"fixpickle.runtime.{part}"
    depth = facts.module.count(".") + (1 if facts.package else 0)
    if not depth:
        # A file that imports relatively is in a namespace package, whatever its name seems to be.
        return f"{'.' if _relative(facts, source) else ''}_fixpickle_{part}"
    top = facts.module.split(".")[0]
    # With a guard it may be started by its path; and what imports its own package by name goes on doing so.
    named = facts.guard is not None or any(i.top and i.target.startswith(f"{top}.") for i in facts.imports)
    if named and not _relative(facts, source):
        return f"{top}._fixpickle_{part}"
    return f"{'.' * depth}_fixpickle_{part}"


def _relative(facts: Facts, source: Source) -> bool:
    return any(re.match(r"from\s*\.", source.text[i.span.start : i.span.end]) for i in facts.imports if i.top)


def vendored(facts: Facts, source: Source, settings: Settings, part: str) -> tuple[NewFile, ...] | Refusal:
    """The copy of a runtime module that the file needs beside it: none where it is there, or is a dependency.

    It goes to the outermost package of the file, or beside a file that is in none.
    """
    if settings.runtime == "package":
        return ()
    in_package = "." in facts.module or facts.package
    home = facts.root / facts.module.split(".")[0] if in_package else facts.path.parent
    path = home / f"_fixpickle_{part}.py"
    if not path.exists():
        return (NewFile(path, runtime_text(part)),)
    if MARK not in path.read_text("utf-8", "replace")[:2000]:
        return Refusal(source.path, f"{path.name} is already there and is not fixpickle's")
    return ()


def namespaced(facts: Facts, files: Iterable[Facts], settings: Settings) -> Refusal | None:
    """Why a copy beside the file would not be found: others import the file from a package without `__init__.py`."""
    if settings.runtime == "package" or facts.package or "." in facts.module:
        return None
    own = facts.path.with_suffix("").parts
    for other in files:
        for written in sorted({n for fact in other.imports for n in (fact.target, fact.module)}):
            parts = tuple(written.split("."))
            for length in range(2, len(parts) + 1):
                if parts[:length] == own[-length:]:
                    name = ".".join(parts[:length])
                    return Refusal(
                        facts.path, f"{other.path.name} imports it as {name}, and {parts[0]} has no __init__.py"
                    )
    return None


def require_runtime(facts: Facts, source: Source, settings: Settings, part: str) -> Imported | Refusal:
    """The runtime module `part`, copied into the package or imported from fixpickle, and how the file names it."""
    new = vendored(facts, source, settings, part)
    if isinstance(new, Refusal):
        return new
    local = f"_fixpickle_{part}"
    for fact in facts.imports:
        target = f".{fact.target}"
        wanted = fact.top and target.endswith((f".{local}", f".fixpickle.runtime.{part}"))
        if wanted and _means_it(facts, source, fact.local):
            return Imported(fact.local, (), new)
    if re.search(rf"\b{local}\b", source.text):
        return Refusal(source.path, f"the name {local} is already used in this file")
    module = runtime_module(facts, source, settings, part)
    package = module[: module.rindex(".") + 1] if module.startswith(".") else module.rpartition(".")[0]
    name = part if settings.runtime == "package" else local
    line = f"from {package} import {name}" if package else f"import {name}"
    line += f" as {local}" if name != local else ""
    return Imported(local, (import_line(facts, source, line),), new)
