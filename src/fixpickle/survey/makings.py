"""What objects get when they are made, and what only later: a process is pickled as it starts, with the former."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, is_none

_MAKING = ("__new__", "__init__", "__post_init__")


def set_later(tree: Tree, names: Names, cls: ast.ClassDef) -> frozenset[str]:
    """The attributes that neither the constructor of a class sets nor what that calls on `self`, but for None.

    Only of classes with bases: what has none is no process.
    """
    methods = {s.name: s for s in cls.body if isinstance(s, FUNCTIONS)}
    kept = names.attribute_values(cls) if cls.bases else {}
    making = _reached(names, methods, _MAKING) if kept else set()
    return frozenset(
        attribute
        for attribute, values in kept.items()
        if all(_method(tree, value) not in making for value in values if not is_none(value))
    )


def _reached(names: Names, methods: Mapping[str, Function], first: Iterable[str]) -> set[Function]:
    """Those methods, and what they call on `self`, of the methods of the class."""
    pending = [methods[name] for name in first if name in methods]
    found = dict.fromkeys(pending)
    for method in pending:
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and node.attr in methods and names.instance_class(node.value):
                called = methods[node.attr]
                if called not in found:
                    found[called] = None
                    pending.append(called)
    return set(found)


def _method(tree: Tree, value: ast.AST) -> ast.AST | None:
    """The method in which a value stands, however many functions are between."""
    function = tree.function(value)
    while function is not None and not isinstance(tree.parents[function], ast.ClassDef):
        function = tree.function(function)
    return function
