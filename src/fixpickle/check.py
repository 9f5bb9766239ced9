"""Whether a change is what its patches say: Python, which binds what it reads, with all they do not touch as it was."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fixpickle.compiled import compile_once
from fixpickle.model import Overlay, Patch, Source

_OF_EVERY_MODULE = {*dir(builtins), "__file__", "__path__", "__builtins__"}


def check(sources: Mapping[Path, Source], texts: Overlay, patches: Sequence[Patch]) -> str:
    """The first reason why the new texts cannot be right, or an empty string."""
    for path, text in texts.items():
        try:
            tree = ast.parse(text, str(path))
            compile_once(str(path), text, tree)
        except (SyntaxError, ValueError) as error:
            return f"{path.name} would not compile: {error}"
        if path in sources:
            reason = _untouched(sources[path], tree, patches)
            if reason:
                return reason
    return _unbound_now(sources, texts)


def _unbound_now(sources: Mapping[Path, Source], texts: Overlay) -> str:
    """A name that a new text reads and nothing binds, if it was not so before, in the file or those a new one is of."""
    before = {path: unbound(sources[path].text) for path in texts if path in sources}
    known = frozenset[str]().union(*before.values())
    for path, text in texts.items():
        if lost := unbound(text) - before.get(path, known):
            return f"nothing would bind `{min(lost)}` in {path.name}"
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


def _untouched(source: Source, new: ast.Module, patches: Sequence[Patch]) -> str:
    """Module-level statements outside every edit must stand in the new tree, equal and in their order.

    An edit that inserts is about the statement it stands in, and about none where it stands between two.
    """
    ranges = [(e.start, e.end) for p in patches for e in p.edits if e.path == source.path]
    made = iter([ast.dump(s) for s in new.body])
    for statement, start, end in _placed(source):
        if any(a < end and start < b for a, b in ranges):
            continue
        if ast.dump(statement) not in made:  # consumes the iterator up to the statement, so order counts
            return f"line {statement.lineno} of {source.path.name} would be changed by an edit that is not about it"
    return ""


def _placed(source: Source) -> Iterator[tuple[ast.stmt, int, int]]:
    """The module-level statements with their character offsets, whole lines; the end of the text ends a line too."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", source.text)), len(source.text) + 1]
    for statement in ast.parse(source.text).body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        yield statement, starts[first - 1], starts[statement.end_lineno or first]
