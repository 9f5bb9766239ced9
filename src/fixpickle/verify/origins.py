"""Where a part of an object was made: file and line, read off the object or found in the source of what holds it.

Standard library alone, any CPython from 3.8. The children of fixpickle load this file by its path.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import tracemalloc
import types
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

Step = Tuple[str, Any]
Own = Callable[[str], bool]


class Place(NamedTuple):
    """A line of a file, and how it is known: "definition", "assignment" or "allocation"."""

    path: str
    line: int
    by: str


def made(root: Any, steps: Sequence[Step], value: Any, own: Own) -> Optional[Place]:
    """Where the part that `steps` lead to was made, None where neither the object nor the sources tell.

    Of several assignments on the way the innermost in a file that is `own` counts.
    """
    allocated = _allocated(value, own)
    if allocated is not None:
        return allocated
    if isinstance(value, types.FunctionType):
        return Place(value.__code__.co_filename, value.__code__.co_firstlineno, "definition")
    if isinstance(value, type):
        return defined(value)
    held = _held(root, steps, own)
    if held is not None:
        return held
    code = getattr(value, "gi_code", None) or getattr(value, "cr_code", None) or getattr(value, "ag_code", None)
    return Place(code.co_filename, code.co_firstlineno, "definition") if code is not None else None


def bound(value: Any, own: Own) -> Optional[Place]:
    """The statement by which a module of the user's own binds a function that another function made."""
    if not isinstance(value, types.FunctionType) or "<locals>" not in value.__qualname__:
        return None
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        if not path.endswith(".py") or not own(path):
            continue
        for name, one in list(vars(module).items()):
            line = _bound_in(os.path.abspath(path), name) if one is value else 0
            if line:
                return Place(os.path.abspath(path), line, "assignment")
    return None


def _bound_in(path: str, name: str) -> int:
    """The line of the top-level statement that binds a name, a decorated function's own."""
    tree = _tree(path)
    line = _binds(tree, name, 0) if tree is not None else 0
    for node in tree.body if tree is not None else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            line = node.lineno
    return line


def defined(cls: type) -> Optional[Place]:
    """Where a class is defined, or the call that makes a type of that name."""
    path = file_of(cls.__module__)
    if not path:
        return None
    tree = _tree(path)
    line = getattr(cls, "__firstlineno__", 0)
    for node in ast.walk(tree) if tree is not None and not line else ():
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and _qualified(tree, node) == cls.__qualname__:
            line = node.lineno
    for node in ast.walk(tree) if tree is not None and not line else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            first = node.value.args[0]
            if isinstance(first, ast.Constant) and first.value == cls.__name__:
                line = node.lineno
    return Place(path, line, "definition") if line else None


def file_of(module: str) -> str:
    """The source file of a loaded module, "" where it has none."""
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return os.path.abspath(path) if path.endswith(".py") else ""


# --- who holds it ---------------------------------------------------------------------------------------------------


def _held(root: Any, steps: Sequence[Step], own: Own) -> Optional[Place]:
    """The assignment that keeps it, or keeps what it is a part of, in the innermost file of the user's own."""
    holders = [root, *(value for _, value in steps)]
    found = None
    for number in range(len(steps) - 1, -1, -1):
        place = _assigned(holders[number], steps[number][0], holders[number - 1] if number else None)
        if place is not None and own(place.path):
            return place
        found = found or place
    return found


def _assigned(holder: Any, step: str, above: Any) -> Optional[Place]:
    if isinstance(above, types.FunctionType):
        name = step[2:-2]
        if holder is above.__closure__:
            return _bound(above, name)
        if isinstance(holder, dict) and name in above.__globals__:
            return _global(above, name)
    if not step.startswith(".") or not step[1:].isidentifier():
        return None
    for cls in type(holder).__mro__ if not isinstance(holder, type) else holder.__mro__:
        path = file_of(cls.__module__)
        tree = _tree(path) if path and cls.__module__ != "builtins" else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                line = next(_lines(node, step[1:]), 0)
                if line:
                    return Place(path, line, "assignment")
    return None


def _lines(cls: ast.ClassDef, attribute: str) -> Iterator[int]:
    """Where a class sets an attribute of its instances, methods first."""
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if attribute in (node.attr, "_%s%s" % (cls.name.lstrip("_"), node.attr)):
                yield node.lineno
    for statement in cls.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == attribute:
                yield statement.lineno
        # What a property keeps under its own name, as `functools.cached_property` does.
        if isinstance(statement, ast.FunctionDef) and statement.name == attribute and statement.decorator_list:
            yield next((n.lineno for n in ast.walk(statement) if isinstance(n, ast.Return)), statement.lineno)


def _global(function: types.FunctionType, name: str) -> Optional[Place]:
    path = os.path.abspath(function.__globals__.get("__file__") or function.__code__.co_filename)
    tree = _tree(path)
    line = _binds(tree, name, 0) if tree is not None else 0
    return Place(path, line, "assignment") if line else None


def _bound(function: types.FunctionType, name: str) -> Optional[Place]:
    path, inner = function.__code__.co_filename, function.__code__.co_firstlineno
    tree = _tree(path)
    around = [
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        and node.lineno <= inner <= (getattr(node, "end_lineno", None) or 0)
    ]
    for node in sorted(around, key=lambda node: -node.lineno):
        line = _binds(node, name, 0)
        if line:
            return Place(path, line, "assignment")
    return None


def _binds(scope: ast.AST, name: str, line: int) -> int:
    """The last line at which a name is assigned in a scope, inner functions left out."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            line = node.lineno
        line = _binds(node, name, line)
    return line


# --- sources and allocations ----------------------------------------------------------------------------------------

_TREES: Dict[str, Optional[ast.Module]] = {}


def forget() -> None:
    """Lets the syntax trees go. CPython 3.12.1 was seen to crash at its end where some were still held."""
    _TREES.clear()


def _tree(path: str) -> Optional[ast.Module]:
    """The syntax tree of a file as it was loaded; None where it cannot be read."""
    if path not in _TREES:
        try:
            _TREES[path] = ast.parse("".join(linecache.getlines(path)))
        except Exception:
            _TREES[path] = None
    return _TREES[path]


def _qualified(tree: Optional[ast.Module], wanted: ast.ClassDef) -> str:
    """The qualified name of a class, by where it stands."""
    pending: List[Tuple[Any, str]] = [(tree, "")]
    while pending:
        node, prefix = pending.pop()
        for child in ast.iter_child_nodes(node):
            if child is wanted:
                return prefix + wanted.name
            inner = prefix
            if isinstance(child, ast.ClassDef):
                inner += child.name + "."
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner += child.name + ".<locals>."
            pending.append((child, inner))
    return ""


def _allocated(value: Any, own: Own) -> Optional[Place]:
    """The user's line that allocated it, where `tracemalloc` was running then."""
    trace = tracemalloc.get_object_traceback(value) if tracemalloc.is_tracing() else None
    for frame in reversed(list(trace or ())):  # innermost last
        if own(frame.filename):
            return Place(os.path.abspath(frame.filename), frame.lineno, "allocation")
    return None
