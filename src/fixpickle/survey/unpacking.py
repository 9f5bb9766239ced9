"""What `**kwargs` brings to a call, as far as the file tells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence

Values = Callable[[ast.Name], Sequence[ast.AST]]
Uses = Callable[[ast.Name], Sequence[ast.Name]]

UNKNOWN = "**"
"""The keyword that stands for those which only running tells."""


class Unpacking:
    """Reads dictionaries whose keys are written in the file.

    `given` says a value in the words of `ToCall.literals`; `values` are the nodes that bind a variable, and `uses` the
    places that read it.
    """

    def __init__(
        self, parents: Mapping[ast.AST, ast.AST], given: Callable[[ast.expr], str], values: Values, uses: Uses
    ) -> None:
        self.parents, self.given, self.values, self.uses = parents, given, values, uses
        self._open: set[str] = set()  # variables that are being read: ends circles such as `more = {**more, "n": 1}`

    def of(self, node: ast.AST) -> dict[str, str]:
        """The keywords that unpacking an expression may bring, each with its value, "?" where that may differ."""
        if isinstance(node, ast.Dict):
            return _merged(self._item(key, value) for key, value in zip(node.keys, node.values, strict=True))
        if isinstance(node, ast.IfExp):
            return self._either((node.body, node.orelse))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
            return _merged({k.arg: self.given(k.value)} if k.arg else self.of(k.value) for k in node.keywords)
        if isinstance(node, ast.Name) and node.id not in self._open:
            self._open.add(node.id)
            try:
                return self._variable(node)
            finally:
                self._open.discard(node.id)
        return {UNKNOWN: "?"}

    def _item(self, key: ast.expr | None, value: ast.expr) -> dict[str, str]:
        if key is None:
            return self.of(value)
        name = key.value if isinstance(key, ast.Constant) else None
        return {name: self.given(value)} if isinstance(name, str) else {UNKNOWN: "?"}

    def _either(self, nodes: Iterable[ast.AST]) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in nodes:
            for key, value in self.of(node).items():
                found[key] = value if found.get(key, value) == value else "?"
        return found

    def _variable(self, name: ast.Name) -> dict[str, str]:
        """What all that binds the variable and sets its items agree on; anybody else it is handed to may set more."""
        values = self.values(name)
        if not values or any(isinstance(v, ast.Name) or not isinstance(v, _WRITTEN) for v in values):
            return {UNKNOWN: "?"}
        found = self._either(values)
        for use in self.uses(name):
            parent = self.parents[use]
            if isinstance(parent, ast.Subscript) and parent.value is use:
                if not isinstance(parent.ctx, ast.Load):
                    key = self._item(parent.slice, parent.slice)
                    found.update(dict.fromkeys(key, "?"))
            elif not (isinstance(parent, ast.keyword) and parent.arg is None):
                found[UNKNOWN] = "?"
        return found


_WRITTEN = (ast.Dict, ast.IfExp, ast.Call)


def _merged(parts: Iterable[dict[str, str]]) -> dict[str, str]:
    return {key: value for part in parts for key, value in part.items()}
