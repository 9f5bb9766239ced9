"""Which class a method's `self` is an instance of, and what attributes the class gives it."""

from __future__ import annotations

import ast
from functools import cached_property

from fixpickle.survey.tree import FUNCTIONS, Tree, parameters

_OF_CLASSES = ("__new__", "__init_subclass__", "__class_getitem__")  # called with the class, undecorated


class Receivers:
    """The objects that the methods of one file are called on."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._receivers: dict[tuple[ast.AST, str], ast.ClassDef | None] = {}

    def instance_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose instance `node` is, where `node` is the `self` of a method around it."""
        if not isinstance(node, ast.Name):
            return None
        key = (self.tree.scope(node), node.id)
        if key not in self._receivers:
            self._receivers[key] = self._class_of(node)
        return self._receivers[key]

    def _class_of(self, node: ast.Name) -> ast.ClassDef | None:
        function = self.tree.function(node)
        while function is not None:
            cls = self.tree.method_class(function)
            if isinstance(function, FUNCTIONS) and cls is not None:
                args = [*function.args.posonlyargs, *function.args.args]
                kinds = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
                plain = function.name not in _OF_CLASSES and not kinds & {"staticmethod", "classmethod"}
                if args and args[0].arg == node.id != "cls" and plain:
                    return cls
            if node.id in parameters(function):
                return None
            function = self.tree.function(function)
        return None

    @cached_property
    def _attributes(self) -> dict[ast.ClassDef, dict[str, list[ast.AST]]]:
        table: dict[ast.ClassDef, dict[str, list[ast.AST]]] = {}
        statements: list[ast.Assign | ast.AnnAssign] = self.tree.of(ast.Assign, ast.AnnAssign)
        for node in statements:
            if node.value is None:
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and (cls := self.instance_class(target.value)):
                    table.setdefault(cls, {}).setdefault(target.attr, []).append(node.value)
        return table

    def attribute_values(self, cls: ast.ClassDef) -> dict[str, list[ast.AST]]:
        """What the methods of a class assign to attributes of `self`."""
        return self._attributes.get(cls, {})

    @cached_property
    def _declared(self) -> dict[ast.AST, dict[str, ast.AST]]:
        table: dict[ast.AST, dict[str, ast.AST]] = {}
        for node in self.tree.of(ast.AnnAssign):
            target, cls = node.target, self.tree.parents[node]
            if isinstance(target, ast.Name) and isinstance(cls, ast.ClassDef):
                table.setdefault(cls, {}).setdefault(target.id, node.annotation)
            elif isinstance(target, ast.Attribute) and (owner := self.instance_class(target.value)):
                table.setdefault(owner, {}).setdefault(target.attr, node.annotation)
        return table

    def declared(self, cls: ast.ClassDef) -> dict[str, ast.AST]:
        """The annotations of a class's attributes, in its body and on `self`."""
        return self._declared.get(cls, {})
