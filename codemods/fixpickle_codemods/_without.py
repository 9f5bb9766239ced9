"""A text without some of its statements and the items of its `with`. Imported where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.metadata import CodePosition, MetadataWrapper, PositionProvider

Places = frozenset[tuple[int, int]]
"""Lines from 1, columns from 0."""

_Statement = cst.BaseStatement
_Lines = Sequence[cst.EmptyLine]


class _Without(cst.CSTTransformer):
    """Takes the statements out, and the blocks of what is left of `with` and `try` with nothing to do."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, items: Places, statements: Places) -> None:
        super().__init__()
        self.items, self.statements = items, statements
        self.emptied: set[cst.CSTNode] = set()

    def _at(self, node: cst.CSTNode) -> tuple[int, int]:
        start: CodePosition = self.get_metadata(PositionProvider, node).start
        return start.line, start.column

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body, footer = self._flat(original_node.body, updated_node.body, updated_node.footer)
        if not body:
            self.emptied.add(original_node)
            body = [cst.SimpleStatementLine([cst.Pass()])]
        return updated_node.with_changes(body=body, footer=footer)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body, footer = self._flat(original_node.body, updated_node.body, updated_node.footer)
        return updated_node.with_changes(body=body, footer=footer)

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> cst.With:
        pairs = zip(original_node.items, updated_node.items, strict=True)
        left = [new for old, new in pairs if not self._goes(old)]
        if not left or len(left) == len(updated_node.items):
            return updated_node
        left[-1] = left[-1].with_changes(comma=updated_node.items[-1].comma)
        return updated_node.with_changes(items=left)

    def _goes(self, item: cst.WithItem) -> bool:
        return self._at(item.item) in self.items

    def _flat(
        self, old: Sequence[_Statement], new: Sequence[_Statement], footer: _Lines
    ) -> tuple[list[_Statement], _Lines]:
        """The statements with those unwrapped that do nothing more; comments behind them go to what comes next."""
        found: list[_Statement] = []
        pending: list[cst.EmptyLine] = []
        for before, after in zip(old, new, strict=True):
            fresh, rest = self._one(before, after)
            if fresh and pending:
                fresh[0] = fresh[0].with_changes(leading_lines=[*pending, *fresh[0].leading_lines])  # type: ignore[attr-defined]
                pending = []
            found += fresh
            pending += rest
        return found, [*pending, *footer]

    def _one(self, old: _Statement, new: _Statement) -> tuple[list[_Statement], list[cst.EmptyLine]]:
        if isinstance(old, cst.SimpleStatementLine) and isinstance(new, cst.SimpleStatementLine):
            pairs = zip(old.body, new.body, strict=True)
            left = [b for a, b in pairs if self._at(a) not in self.statements]
            if not left:
                return [], []
            if len(left) < len(new.body):
                left[-1] = left[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
                new = new.with_changes(body=left)
        elif isinstance(old, cst.With) and isinstance(new, cst.With) and all(map(self._goes, old.items)):
            return _unwrapped(new.body, new.leading_lines)
        elif isinstance(old, cst.Try) and isinstance(new, cst.Try) and self._ends_empty(old):
            if not new.handlers:
                return _unwrapped(new.body, new.leading_lines)
            new = new.with_changes(finalbody=None)
        return [new], []

    def _ends_empty(self, node: cst.Try) -> bool:
        return node.finalbody is not None and node.finalbody.body in self.emptied


def _unwrapped(body: cst.BaseSuite, leading: _Lines) -> tuple[list[_Statement], list[cst.EmptyLine]]:
    """The statements of a block, the comments above and beside its head before them, and the comments at its end."""
    if isinstance(body, cst.SimpleStatementSuite):
        line = cst.SimpleStatementLine(body.body, leading_lines=leading, trailing_whitespace=body.trailing_whitespace)
        return [line], []
    assert isinstance(body, cst.IndentedBlock)
    beside = [cst.EmptyLine(comment=body.header.comment)] if body.header.comment else []
    first, *others = body.body
    lines = [*leading, *beside, *first.leading_lines]  # type: ignore[attr-defined]
    return [first.with_changes(leading_lines=lines), *others], list(body.footer)


def without(text: str, items: Places, statements: Places) -> str:
    """The text without what starts at these places. Raises ParserSyntaxError."""
    return MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True).visit(_Without(items, statements)).code
