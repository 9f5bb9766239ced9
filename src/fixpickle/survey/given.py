"""Parameters that stand for what callers hand in, which may be a pool or a class of processes."""

from __future__ import annotations

import ast

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Wanted
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, parameters


class Given(Names):
    """Names under which a parameter stands for what callers hand in: `pool` of `run` in `m` for `m.run[pool]`."""

    def __init__(self, names: Names) -> None:
        super().__init__(names.tree, names.module, names.package)
        self._shared = names
        self._wanted: dict[str, Wanted] = {}

    @property
    def bindings(self) -> dict[ast.AST, dict[str, list[ast.AST]]]:
        """Per scope and name, the nodes that say what the name is."""
        return self._shared.bindings

    def attribute_values(self, cls: ast.ClassDef) -> dict[str, list[ast.AST]]:
        """What the methods of a class assign to attributes of `self`."""
        return self._shared.attribute_values(cls)

    def wanted(self, symbol: str) -> Wanted | None:
        """The parameter that a symbolic name of this file leads to first."""
        return self._wanted.get(symbol[: symbol.find("]") + 1])

    def _of_binding(self, value: ast.AST, scope: ast.AST, name: str, depth: int) -> str:
        known = super()._of_binding(value, scope, name, depth)
        if not isinstance(value, ast.arg) or catalogue().leaving([known]):
            return known
        return self._parameter(value, scope) or known

    def _parameter(self, node: ast.arg, function: ast.AST) -> str:
        if not isinstance(function, FUNCTIONS) or not isinstance(self.tree.scope(function), (ast.Module, ast.ClassDef)):
            return ""
        args = function.args
        method = self.tree.method_class(function) is not None and not _is_static(function)
        position = parameters(function).index(node.arg) - method
        if position < 0 or node in (args.vararg, args.kwarg):
            return ""
        found = Wanted(self.tree.qualname(function), node.arg, -1 if node in args.kwonlyargs else position)
        symbol = f"{self.module}.{found.function}[{found.parameter}]"
        self._wanted[symbol] = found
        return symbol


def _is_static(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
