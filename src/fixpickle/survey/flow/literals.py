"""What the arguments of a call are, as far as they decide whether anything crosses."""

from __future__ import annotations

import ast
from functools import cached_property, partial

from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.names import Names
from fixpickle.survey.unpacking import Unpacking

_CHAIN = 8  # calls on the result of calls: `ctx.Pool().map` is two


class Literals:
    """Reads keywords and first arguments in the words of `ToCall.literals`. Every call is read once."""

    def __init__(self, names: Names, variables: Variables) -> None:
        self.names = names
        self.variables = variables
        self._known: dict[ast.AST, tuple[tuple[str, str], ...]] = {}

    def of(self, call: ast.AST) -> tuple[tuple[str, str], ...]:
        """Keywords of a call and of the calls that made its receiver, which decide whether anything crosses.

        A constant is as Python writes it, another value its symbolic name, "?" where nothing is known. "0" is the first
        argument where it is constant, "first" its symbolic name, and "context" what `get_context` was asked for. "**"
        stands for keywords that are unpacked from what only running tells.
        """
        if call not in self._known:
            self._known[call] = self._read(call)
        return self._known[call]

    def _read(self, call: ast.AST) -> tuple[tuple[str, str], ...]:
        calls = self._chain(call)
        keywords = [k for c in reversed(calls) for k in c.keywords]
        pairs = {key: value for k in keywords if not k.arg for key, value in self._unpacking.of(k.value).items()}
        pairs |= {k.arg: _said(self.names, k.value) for k in keywords if k.arg}
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            pairs["0"] = _said(self.names, call.args[0])
        elif isinstance(call, ast.Call) and call.args and (first := self.names.of(call.args[0])):
            pairs["first"] = first
        for maker in calls:
            if maker.args and self.names.of(maker.func).endswith(".get_context"):
                pairs["context"] = _said(self.names, maker.args[0])
            elif maker.args and maker is not call and ("0" not in pairs or isinstance(maker.args[0], ast.Constant)):
                pairs["0"] = _said(self.names, maker.args[0])
        return tuple(sorted(pairs.items()))

    def _chain(self, call: ast.AST) -> list[ast.Call]:
        """A call, the one that made its receiver, and so on."""
        calls, at = [call] if isinstance(call, ast.Call) else [], getattr(call, "func", call)
        for _ in range(_CHAIN):
            value = self.variables.expression_behind(at.value if isinstance(at, ast.Attribute) else at)
            if not isinstance(value, ast.Call):
                break
            calls.append(value)
            at = value.func
        return calls

    @cached_property
    def _unpacking(self) -> Unpacking:
        said = partial(_said, self.names)  # no method of this object, which holds the result
        return Unpacking(self.variables.tree.parents, said, self.variables.values, self.variables.uses)


def _said(names: Names, node: ast.expr) -> str:
    plain = node.operand if isinstance(node, ast.UnaryOp) else node
    return ast.unparse(node) if isinstance(plain, ast.Constant) else names.of(node) or "?"
