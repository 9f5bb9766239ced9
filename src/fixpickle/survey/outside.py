"""Attributes that are set on an instance from outside its own methods' `self`: where it is made, or by a decorator."""

from __future__ import annotations

import ast

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, parameters


def set_outside(tree: Tree, names: Names, value: ast.AST) -> tuple[str, str] | None:
    """The class and attribute of `obj.lock = value`, where `obj` is an instance but no method's `self`.

    The class is empty where it is not one of this file's, or is known only when a decorator or metaclass is used.
    """
    statement = tree.parents[value]
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is not value:
        return None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
        return None
    if _replaces_method(tree, target.value):
        return "", target.attr
    cls = _made(tree, names, target.value)
    return None if cls is None else (cls, target.attr)


def _made(tree: Tree, names: Names, node: ast.Name) -> str | None:
    """The class of the instance that is made in this function and bound to the name, once; None where none is."""
    function = tree.function(node)
    values = names.bindings.get(function, {}).get(node.id, []) if function is not None else []
    if len(values) != 1 or not isinstance(values[0], ast.Call):
        return None
    own = tree.method_class(function)
    callee = values[0].func
    if isinstance(callee, ast.Attribute) and callee.attr in ("__new__", "__call__"):
        maker = names.of(callee.value)
        if own is None or maker not in (
            "builtins.super()",
            "builtins.object",
            "builtins.object()",
            "builtins.type",
            "builtins.type()",
            "",
        ):
            return None
        # What a metaclass calls is an instance of one of its classes, what it makes anew is a class.
        return "" if callee.attr == "__call__" else tree.qualname(own) if not _makes_classes(names, own) else None
    if own is not None and _is_own_class(function, callee):
        return tree.qualname(own)
    symbol = names.of(callee)
    return symbol.removeprefix(f"{names.module}.") if symbol in names.classes else None


def _makes_classes(names: Names, cls: ast.ClassDef) -> bool:
    return any(names.of(b) in ("builtins.type", "abc.ABCMeta", "enum.EnumMeta") for b in cls.bases)


def _is_own_class(function: ast.AST | None, callee: ast.expr) -> bool:
    """Whether the callee is the `cls` of a classmethod."""
    if not isinstance(function, FUNCTIONS) or not isinstance(callee, ast.Name):
        return False
    kinds = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
    return "classmethod" in kinds and parameters(function)[:1] == (callee.id,)


def _replaces_method(tree: Tree, node: ast.Name) -> bool:
    """Whether the name is the `self` of an inner function that a class decorator puts on the class it is given."""
    function = tree.function(node)
    outer = tree.function(function) if function is not None else None
    if not isinstance(function, FUNCTIONS) or not isinstance(outer, FUNCTIONS):
        return False
    if parameters(function)[:1] != (node.id,) or tree.method_class(function) is not None:
        return False
    for statement in outer.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
            target = statement.targets[0]
            if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
                continue
            if target.attr == statement.value.id == function.name and target.value.id in parameters(outer):
                return True
    return False
