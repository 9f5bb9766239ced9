"""Attributes that are keyed by `id()`: what it gives names an object of this process, and no object of another one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree

_KEYED = frozenset({"get", "pop", "setdefault", "add", "discard"})
"""Methods of dictionaries and sets whose first argument is a key."""


def keyed_by_id(tree: Tree, names: Names) -> dict[ast.ClassDef, tuple[str, ...]]:
    """For each class of the file that has any, the attributes of `self` that are looked up or filled by `id(...)`."""
    found: dict[ast.ClassDef, dict[str, None]] = {}
    for call in tree.of(ast.Call):
        if not isinstance(call.func, ast.Name) or call.func.id != "id":
            continue
        if names.of(call.func) != "builtins.id":
            continue
        for container in (_container(tree, key) for key in _keys(tree, call)):
            cls = names.instance_class(container.value) if isinstance(container, ast.Attribute) else None
            if isinstance(container, ast.Attribute) and cls is not None:
                found.setdefault(cls, {})[container.attr] = None
    return {cls: tuple(attributes) for cls, attributes in found.items()}


def _keys(tree: Tree, call: ast.Call) -> Iterator[ast.expr]:
    """The call, the tuple it is part of, and where its function reads the name that it binds."""
    parent = tree.parents[call]
    yield parent if isinstance(parent, ast.Tuple) else call
    function = tree.function(call)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name) and isinstance(function, FUNCTIONS):
        name = parent.targets[0].id
        yield from (n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name)


def _container(tree: Tree, key: ast.expr) -> ast.AST | None:
    """What an expression is a key of: `c[key]`, `c.get(key)`, `key in c`, `c = {key: ... for ...}`."""
    parent = tree.parents[key]
    if isinstance(parent, ast.Subscript) and parent.slice is key:
        return parent.value
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.args[:1] == [key]:
        return parent.func.value if parent.func.attr in _KEYED else None
    if isinstance(parent, ast.Compare) and parent.left is key and isinstance(parent.ops[0], (ast.In, ast.NotIn)):
        return parent.comparators[0]
    made = (isinstance(parent, ast.DictComp) and parent.key is key) or isinstance(parent, ast.SetComp)
    statement = tree.parents[parent] if made else None
    return statement.targets[0] if isinstance(statement, ast.Assign) else None
