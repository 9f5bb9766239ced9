"""What a lock protects that other processes see too: there a lock of one process keeps nobody out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, walk

_OUTSIDE = frozenset(
    ["os.replace", "os.rename", "os.remove", "os.unlink", "os.write", "shutil.move", "shutil.copyfile", "shutil.copy"]
)
_OUTSIDE_NAMES = frozenset(symbol.rpartition(".")[2] for symbol in _OUTSIDE)
_WRITING = frozenset({"write_text", "write_bytes"})
_MODE = re.compile(r"(?=.*[wax+])[rwaxbtU+]{1,4}")


def guarded(tree: Tree, names: Names, cls: str, attribute: str) -> str:
    """The call, with its line, by which what holds the lock changes the world outside; empty where none is seen.

    The lock is `self.attribute` of `cls`, or the variable `attribute` where `cls` is empty. What holds it are the
    `with` blocks and the functions that acquire it, and the functions of this file which those call.
    """
    for section in _sections(tree, names, cls, attribute):
        calls = [n for n in walk(section) if isinstance(n, ast.Call)]
        for call in [*calls, *_called(tree, names, calls)]:
            if _writes(names, call):
                return f"`{ast.unparse(call.func)}` at line {call.lineno}"
    return ""


def guarded_attributes(tree: Tree, names: Names) -> Iterator[tuple[str, str, str]]:
    """Every class and attribute that is held as a lock while the world outside is changed, with the call that does."""
    if not any(_may_write(n.func) for n in tree.of(ast.Call)):
        return
    held: dict[tuple[str, str], None] = {}
    for node in tree.of(ast.Attribute):
        if _is_held(tree, node) and (cls := names.instance_class(node.value)):
            held[tree.qualname(cls), node.attr] = None
    for owner, attribute in held:
        if what := guarded(tree, names, owner, attribute):
            yield owner, attribute, what


def _may_write(callee: ast.expr) -> bool:
    """A cheap test before names are resolved: imports may give `remove` or `replace` without their module."""
    name = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
    return name in ("open", "fdopen") or name in _WRITING or name in _OUTSIDE_NAMES


def _is_held(tree: Tree, node: ast.Attribute) -> bool:
    parent = tree.parents[node]
    while isinstance(parent, ast.Subscript):
        parent = tree.parents[parent]
    return isinstance(parent, ast.withitem) or (isinstance(parent, ast.Attribute) and parent.attr == "acquire")


def _sections(tree: Tree, names: Names, cls: str, attribute: str) -> Iterator[ast.AST]:
    for node in tree.of(ast.Name, ast.Attribute):
        if not _names_lock(tree, names, node, cls, attribute):
            continue
        parent = tree.parents[node]
        while isinstance(parent, ast.Subscript):  # one of several locks
            parent = tree.parents[parent]
        if isinstance(parent, ast.withitem):
            yield tree.parents[parent]
        elif isinstance(parent, ast.Attribute) and parent.attr == "acquire":
            yield tree.function(parent) or parent


def _called(tree: Tree, names: Names, calls: list[ast.Call]) -> Iterator[ast.Call]:
    """The calls made by those functions of this file that are called: one step, as helpers of a section are written."""
    callees = {names.of(c.func).replace("().", ".") for c in calls} - {""}
    for node in tree.of(*FUNCTIONS):
        if f"{names.module}.{tree.qualname(node)}" in callees:
            yield from (n for n in walk(node) if isinstance(n, ast.Call))


def _names_lock(tree: Tree, names: Names, node: ast.AST, cls: str, attribute: str) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == attribute:
        owner = names.instance_class(node.value)
        return owner is not None and tree.qualname(owner) == cls
    return isinstance(node, ast.Name) and not cls and node.id == attribute


def _writes(names: Names, call: ast.Call) -> bool:
    symbol = names.of(call.func)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if symbol in ("builtins.open", "io.open", "os.fdopen") or method == "open":
        # `path.open("w")` has its mode first, `open(path, "w")` and `gzip.open(path, "wb")` second.
        given = call.args[:2] if method == "open" else call.args[1:2]
        modes = [*given, *(k.value for k in call.keywords if k.arg == "mode")]
        return any(isinstance(m, ast.Constant) and bool(_MODE.fullmatch(str(m.value))) for m in modes)
    return symbol in _OUTSIDE or method in _WRITING
