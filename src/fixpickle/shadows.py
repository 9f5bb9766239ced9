"""Whether the code that a fix writes would call something of the file's own where it means a builtin.

A proof need not tell: it makes its objects where none of the parameters and variables are that hide the builtin.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from fixpickle.model import Edit, Patch, Source
from fixpickle.source import apply_edits, stretches
from fixpickle.survey.tree import CALLABLES, Comprehension, Tree, bound_name

MEANT = frozenset(
    {"AttributeError", "__name__", "bool", "dict", "float", "getattr", "hasattr", "int", "list", "object", "set"}
) | {"setattr", "str", "super", "tuple", "type"}
"""The builtins that rules write by name: a test holds that there are no others in what they write."""

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class _Read:
    """A place that reads what the file itself binds to the name of a builtin, at `line`. It is `used` where it is
    called, or an attribute of it is asked for, and not only handed on."""

    name: str
    used: bool
    line: int


def shadowed(patch: Patch, sources: Mapping[Path, Source]) -> str:
    """Why a fix cannot write what it writes: a builtin that it names is another thing there. Empty where none is.

    What the fix moves, and so takes away in one place, may read the file's own in another, and hand it over as well.
    """
    taken, written = Counter[tuple[str, bool]](), list[_Read]()
    for path in sorted({edit.path for edit in patch.edits}):
        source, edits = sources[path], [edit for edit in patch.edits if edit.path == path]
        names = {word for edit in edits for word in _WORD.findall(edit.text)} & MEANT
        names = {name for name in names if _may_bind(source.text, name)}
        if names and (names := names & _bound(source)):
            places = [(edit.start, edit.end) for edit in edits]
            tree = Tree(source)
            taken.update((read.name, read.used) for read in _reads(tree, names, places))
            with contextlib.suppress(SyntaxError):  # a bug, which the check of the result reports
                written += _written(tree, edits, names)
    more = Counter((read.name, read.used) for read in written) - taken
    for name, used in sorted(more):
        if used or not (taken[name, True] or taken[name, False]):
            line = next(read.line for read in written if read.name == name)
            return f"the fix would write `{name}` for the builtin, and line {line} binds that name to something else"
    return ""


def _written(now: Tree, edits: Sequence[Edit], names: Collection[str]) -> Iterator[_Read]:
    """The reads in what is written, with the lines of bindings as they are now."""
    source = now.source
    text, places = apply_edits(source.text, edits, source.newline), stretches(edits, source.newline)
    tree = Tree(replace(source, text=text))
    for read in _reads(tree, names, list(places.values())):
        at = tree.offset(read.line, 0)
        was = [max(edit.start, at - end + edit.end) for edit, (start, end) in places.items() if start < at]
        yield replace(read, line=now.position([at, *was][-1])[0])


def _may_bind(text: str, name: str) -> bool:
    """Whether a name stands anywhere but where it is called or subscripted: many files need no parsing then."""
    return re.search(rf"\b(?:def|class)\s+{name}\b|(?<!\.)\b{name}\b(?![ \t]*[(\[])", text) is not None


@lru_cache(maxsize=64)
def _bound(source: Source) -> frozenset[str]:
    return frozenset(name for _, name in _owners(Tree(source), MEANT))


def _reads(tree: Tree, names: Collection[str], places: Sequence[tuple[int, int]]) -> Iterator[_Read]:
    """The reads in these stretches of what the file binds to these names."""
    owners = _owners(tree, names)
    for node in tree.of(ast.Name):
        if node.id not in names or not isinstance(node.ctx, ast.Load):
            continue
        at = tree.span(node).start
        line = _owner(tree, owners, node)
        if line and any(start <= at < end for start, end in places):
            parent = tree.parents[node]
            called = isinstance(parent, ast.Call) and parent.func is node
            yield _Read(node.id, called or isinstance(parent, (ast.Attribute, ast.Subscript)), line)


def _owner(tree: Tree, owners: Mapping[tuple[ast.AST, str], int], node: ast.Name) -> int:
    """The line that binds what a name reads; 0 where the file does not. Functions do not see the names of classes."""
    scope = tree.scope(node)
    while True:
        if (scope, node.id) in owners:
            return owners[scope, node.id]
        if scope is tree.root:
            return 0
        scope = tree.scope(scope)
        while isinstance(scope, ast.ClassDef):
            scope = tree.scope(scope)


def _owners(tree: Tree, names: Collection[str]) -> dict[tuple[ast.AST, str], int]:
    """The scopes that bind any of these names, with the first line that does. An import of the builtin is no other."""
    found: dict[tuple[ast.AST, str], int] = {}
    for node in ast.walk(tree.root):
        if isinstance(node, ast.arg) and node.arg in names:
            function = next(above for above in tree.ancestors(node) if isinstance(above, CALLABLES))
            found.setdefault((function, node.arg), node.lineno)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update({(tree.root, name): node.lineno for name in node.names if name in names})
        elif (name := bound_name(node)) in names and not _is_builtin(tree, node):
            scope = tree.scope(node)
            while isinstance(scope, Comprehension) and isinstance(tree.parents[node], ast.NamedExpr):
                scope = tree.scope(scope)
            found.setdefault((scope, str(name)), getattr(node, "lineno", 1))
    return found


def _is_builtin(tree: Tree, node: ast.AST) -> bool:
    parent = tree.parents.get(node)
    return isinstance(parent, ast.ImportFrom) and parent.module == "builtins" and isinstance(node, ast.alias)
