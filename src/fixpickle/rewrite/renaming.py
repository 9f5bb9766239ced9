"""Names in a definition exchanged for others, in the tree that libcst makes. Imported where something is lifted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from fixpickle.rewrite.lift import Places, Renaming


class Rename(cst.CSTTransformer):
    """Renames the names at certain positions, and gives calls of them more arguments."""

    def __init__(self, positions: Mapping[cst.CSTNode, object], places: Places) -> None:
        super().__init__()
        self.positions = positions
        self.places = places
        self.met: list[Renaming] = []

    def _at(self, node: cst.CSTNode) -> Renaming | None:
        start = getattr(self.positions.get(node), "start", None)
        return self.places.get((start.line, start.column)) if start is not None else None

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        renaming = self._at(original_node)
        if renaming is None:
            return updated_node
        self.met.append(renaming)
        owner, _, attribute = renaming.name.rpartition(".")
        if not owner:
            return updated_node.with_changes(value=renaming.name)
        kept = cst.Attribute(cst.Name(owner), cst.Name(attribute))
        return kept.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        renaming = self._at(original_node.func) if isinstance(original_node.func, cst.Name) else None
        if renaming is None or not renaming.arguments:
            return updated_node
        leading = [cst.Arg(cst.Name(a)) for a in renaming.arguments]
        return updated_node.with_changes(args=[*leading, *map(_parenthesised, updated_node.args)])


def _parenthesised(argument: cst.Arg) -> cst.Arg:
    """A generator expression that is the only argument needs no parentheses, beside others it does."""
    if not isinstance(argument.value, cst.GeneratorExp) or argument.value.lpar:
        return argument
    value = argument.value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return argument.with_changes(value=value)
