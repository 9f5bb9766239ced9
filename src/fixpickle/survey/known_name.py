"""Tests of the name that a `__getattr__` is asked for, where it is known which that is."""

from __future__ import annotations

import ast
from dataclasses import dataclass

_NO_NAMES = frozenset({"int", "float", "slice", "tuple", "bytes", "(int, slice)", "(slice, int)"})


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name that is asked for, and the variable that holds it."""

    variable: str
    name: str

    def holds(self, test: ast.expr) -> bool | None:
        """Whether a test of nothing but the name is true of it; None where it is of anything else."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.holds(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            return self._joined(test)
        if isinstance(test, ast.Call) and ast.unparse(test.func) == "isinstance" and len(test.args) == 2:
            of_name = ast.unparse(test.args[0]) == self.variable  # which is a string
            return {"str": True, **dict.fromkeys(_NO_NAMES, False)}.get(ast.unparse(test.args[1])) if of_name else None
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and len(test.args) == 1:
            if ast.unparse(test.func.value) != self.variable or not isinstance(test.args[0], ast.Constant):
                return None
            affix = str(test.args[0].value)
            ends = {"startswith": self.name.startswith(affix), "endswith": self.name.endswith(affix)}
            return ends.get(test.func.attr)
        return self._compared(test) if isinstance(test, ast.Compare) and len(test.ops) == 1 else None

    def _joined(self, test: ast.BoolOp) -> bool | None:
        decisive = isinstance(test.op, ast.Or)
        for value in test.values:
            holds = self.holds(value)
            if holds is None or holds is decisive:
                return holds
        return not decisive

    def _compared(self, test: ast.Compare) -> bool | None:
        """`name == "x"`, `name in ("x", "y")`, `name[0] == "_"`, `name[:2] == "__"`."""
        left = self._text(test.left)
        try:
            right = _literal(test.comparators[0])
        except ValueError:
            return None
        if left is None:
            return None
        operator = test.ops[0]
        if isinstance(operator, (ast.Is, ast.IsNot)) and right is None:
            return isinstance(operator, ast.IsNot)  # a name is a string
        if isinstance(operator, (ast.Eq, ast.NotEq)):
            return (left == right) is isinstance(operator, ast.Eq)
        if isinstance(operator, (ast.In, ast.NotIn)) and isinstance(right, (tuple, list, set, str)):
            return (left in right) is isinstance(operator, ast.In)
        return None

    def _text(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name) and node.id == self.variable:
            return self.name
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == self.variable:
            cut = node.slice
            if isinstance(cut, ast.Slice) and cut.step is None:
                ends = [_number(end) for end in (cut.lower, cut.upper)]
                return self.name[slice(*ends)]
            at = _number(cut)
            return self.name[at] if at is not None and -len(self.name) <= at < len(self.name) else None
        return None


def _literal(node: ast.expr) -> object:
    """The value that is written there. Raises ValueError for what is no literal."""
    # `literal_eval` leaves closures that hold one another, so it is called for no more than has to be.
    return node.value if isinstance(node, ast.Constant) else ast.literal_eval(node)


def _number(node: ast.expr | None) -> int | None:
    try:
        value = _literal(node) if node is not None else None
    except ValueError:
        return None
    return value if isinstance(value, int) else None
