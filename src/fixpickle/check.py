"""Whether a change is what its patches say: Python, which binds what it reads, with all they do not touch as it was."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fixpickle.compiled import Code, code_of, compiled, keep
from fixpickle.model import Overlay, Patch, Source
from fixpickle.workers import Executor, each_of

# From Python 3.14 the compiler reads the last where a branch has annotations (gh-130881), and binds it itself.
_OF_EVERY_MODULE = {*dir(builtins), "__file__", "__path__", "__builtins__", "__conditional_annotations__"}


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as it is and as it would be, and the stretches of the former that edits are about."""

    path: Path
    old: str | None
    new: str
    edited: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is wrong with a text, if anything is; its code, and the names that nothing binds in it, now and before."""

    reason: str
    code: Code | None = None
    unbound: frozenset[str] = frozenset()
    before: frozenset[str] | None = None


def check(
    sources: Mapping[Path, Source], texts: Overlay, patches: Sequence[Patch], executor: Executor | None = None
) -> str:
    """The first reason why the new texts cannot be right, or an empty string. Each is looked at for itself, by the
    executor where there are many."""
    edited: dict[Path, list[tuple[int, int]]] = {}
    for edit in (edit for patch in patches for edit in patch.edits):
        edited.setdefault(edit.path, []).append((edit.start, edit.end))
    every = [
        _Text(path, sources[path].text if path in sources else None, text, tuple(edited.get(path, ())))
        for path, text in texts.items()
    ]
    seen = list(each_of(executor, _look, every))
    for one, found in zip(every, seen, strict=True):
        if found.code is not None:
            keep(str(one.path), one.new, found.code)
    return next((found.reason for found in seen if found.reason), "") or _unbound_now(every, seen)


def miscompiled(patch: Patch, sources: Mapping[Path, Source]) -> str:
    """Why a file that a fix would change is no Python as it is, although it can be parsed; or an empty string.

    The parser leaves some to the compiler: a bare `except:` that is not the last, `return` outside of a function.
    """
    said = (_compilers_word(sources[path]) for path in sorted(patch.paths) if path in sources)
    return next((f"its file is no Python as it is: {word}" for word in said if word), "")


@lru_cache(maxsize=64)
def _compilers_word(source: Source) -> str:
    if code_of(str(source.path), source.text) is not None:
        return ""  # the check of an earlier round has compiled it
    try:
        compiled(str(source.path), ast.parse(source.text, str(source.path)))
    except (SyntaxError, ValueError) as error:
        return str(error)
    return ""


def _look(text: _Text) -> _Seen:
    try:
        tree = ast.parse(text.new, str(text.path))
        code = compiled(str(text.path), tree)
    except (SyntaxError, ValueError) as error:
        return _Seen(f"{text.path.name} would not compile: {error}")
    reason = _untouched(text, tree) if text.old is not None else ""
    if reason:
        return _Seen(reason, code)
    return _Seen("", code, unbound(text.new), unbound(text.old) if text.old is not None else None)


def _unbound_now(every: Sequence[_Text], seen: Sequence[_Seen]) -> str:
    """A name that a new text reads and nothing binds, if it was not so before, in the file or those a new one is of."""
    known = frozenset[str]().union(*(found.before for found in seen if found.before is not None))
    for text, found in zip(every, seen, strict=True):
        if lost := found.unbound - (found.before if found.before is not None else known):
            return f"nothing would bind `{min(lost)}` in {text.path.name}"
    return ""


def unbound(text: str) -> frozenset[str]:
    """The names that a module reads as globals and binds nowhere, but for those that every module has.

    What `import *` binds is among them, and what annotations name that are never evaluated is not.
    """
    read: set[str] = set()
    bound = _OF_EVERY_MODULE.copy()
    tables = [symtable.symtable(text, "<text>", "exec")]
    for table in tables:
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                known = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
                (bound if known else read).add(symbol.get_name())
    if "__class__" in read - bound and not _asks_for_its_class(ast.parse(text)):
        bound.add("__class__")  # the compiler takes every `super` for one that asks
    return frozenset(read - bound)


def _asks_for_its_class(node: ast.AST) -> bool:
    """Whether code outside of classes reads `__class__`, or calls `super` without an argument, which does so too."""
    if isinstance(node, ast.ClassDef):
        return False
    bare = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args
    asks = bare or (isinstance(node, ast.Name) and node.id == "__class__")
    return asks or any(map(_asks_for_its_class, ast.iter_child_nodes(node)))


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement of a module, the lines it stands on, and where in the text they start and end."""

    node: ast.stmt
    lines: str
    start: int
    end: int

    def equals(self, other: _Statement) -> bool:
        """Whether both are the same code. What is written the same way is, and is most of it."""
        a, b = self.node, other.node
        if (self.lines, a.col_offset, a.end_col_offset) == (other.lines, b.col_offset, b.end_col_offset):
            return True
        return type(a) is type(b) and ast.dump(a) == ast.dump(b)


def _untouched(text: _Text, new: ast.Module) -> str:
    """Module-level statements outside every edit must stand in the new tree, equal and in their order.

    An edit that inserts is about the statement it stands in, and about none where it stands between two.
    """
    old = text.old or ""
    made = _statements(text.new, new)
    for statement in _statements(old, ast.parse(old)):
        if any(a < statement.end and statement.start < b for a, b in text.edited):
            continue
        if not any(map(statement.equals, made)):  # consumes the iterator up to the statement, so order counts
            return f"line {statement.node.lineno} of {text.path.name} would be changed by an edit that is not about it"
    return ""


def _statements(text: str, tree: ast.Module) -> Iterator[_Statement]:
    """The statements of a module on whole lines; the end of the text ends a line too."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text)), len(text) + 1]
    for statement in tree.body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        start, end = starts[first - 1], starts[statement.end_lineno or first]
        yield _Statement(statement, text[start:end].rstrip("\r\n"), start, end)
