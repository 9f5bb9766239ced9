"""The variables of one file: in which scope each is, who reads it and what it is bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import cached_property

from fixpickle.survey.names import Names
from fixpickle.survey.tree import Comprehension, Tree, walk


class Variables:
    """Who reads which variable. Most names are read many times in one scope, which is looked up once."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree = tree
        self.names = names
        self._owners: dict[tuple[ast.AST, str], ast.AST] = {}
        self._loads: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        self._read()

    def _read(self) -> None:
        scope_of, root = self.tree.scopes.get, self.tree.root
        met: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        for node in self.tree.of(ast.Name):
            if type(node.ctx) is ast.Load:
                key = scope_of(node, root), node.id
                if key not in met:
                    met[key] = self._loads.setdefault((self._owner_of(key), node.id), [])
                met[key].append(node)

    def owner(self, at: ast.AST, name: str) -> ast.AST:
        """The scope whose variable `name` is when it is read at `at`."""
        return self._owner_of((self.tree.scope(at), name))

    def _owner_of(self, key: tuple[ast.AST, str]) -> ast.AST:
        found = self._owners.get(key)
        if found is None:
            found = self._owners[key] = self._owner(*key)
        return found

    def _owner(self, scope: ast.AST, name: str) -> ast.AST:
        first = scope
        bindings = self.names.bindings
        while not isinstance(scope, ast.Module):
            if name in bindings.get(scope, {}) and (scope is first or not isinstance(scope, ast.ClassDef)):
                return scope
            if isinstance(scope, Comprehension) and any(
                isinstance(n, ast.Name) and n.id == name for g in scope.generators for n in walk(g.target)
            ):
                return scope
            scope = self.tree.scope(scope)
        return scope

    def of_module(self, nodes: Iterable[ast.Name]) -> list[ast.Name]:
        """Those of these names that are variables of the module."""
        scope_of, root, owner_of = self.tree.scopes.get, self.tree.root, self._owner_of
        return [node for node in nodes if owner_of((scope_of(node, root), node.id)) is root]

    def loads(self, scope: ast.AST, name: str) -> list[ast.Name]:
        """Every place that reads the variable `name` of `scope`, nested functions included."""
        return self._loads.get((scope, name), [])

    def uses(self, name: ast.Name) -> Sequence[ast.Name]:
        """Every place that reads the variable that a name stands for."""
        return self.loads(self.owner(name, name.id), name.id)

    def values(self, name: ast.Name) -> Sequence[ast.AST]:
        """The nodes that say what the variable is that a name stands for, in the words of `Names.bindings`."""
        return self.names.bindings.get(self.owner(name, name.id), {}).get(name.id, [])

    def expression_behind(self, node: ast.AST) -> ast.AST | None:
        """The only value of a variable or of an attribute of `self`; any other expression is its own."""
        owner = self.names.instance_class(node.value) if isinstance(node, ast.Attribute) else None
        values: Sequence[ast.AST]
        if isinstance(node, ast.Attribute) and owner is not None:
            values = self.names.attribute_values(owner).get(node.attr, [])
        elif isinstance(node, ast.Name):
            values = self.values(node)
        else:
            return node
        return values[0] if len(values) == 1 else None

    def read_at_import(self, scope: ast.AST, name: str) -> bool:
        """Whether a variable is read, and read only by what runs while the module is imported."""
        uses = self.loads(scope, name)
        return bool(uses) and all(self.tree.function(use) is None for use in uses)

    def ran_code_in(self, node: ast.AST) -> bool:
        """Whether `exec` ran code in the namespace that a name stands for: what is taken out is what that code made."""
        return isinstance(node, ast.Name) and (self.owner(node, node.id), node.id) in self._namespaces

    @cached_property
    def _namespaces(self) -> frozenset[tuple[ast.AST, str]]:
        """The variables that are handed to `exec` as namespaces."""
        runs = (n for n in self.tree.of(ast.Name) if n.id == "exec" and self.names.of(n) == "builtins.exec")
        calls = (c for n in runs if isinstance(c := self.tree.parents[n], ast.Call) and c.func is n)
        given = (a for c in calls for a in c.args[1:] if isinstance(a, ast.Name))
        return frozenset((self.owner(a, a.id), a.id) for a in given)
