"""Where the nodes of a syntax tree stand in the text that it was parsed from."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from fixpickle.model import Span

_NEWLINE = re.compile(r"\r\n|\r|\n")
_DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Positions:
    """The places in one text: `ast` has lines and bytes, spans have characters."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        # ast counts lines as the tokenizer does: \r\n, \r and \n end one, a form feed does not.
        if "\r" in self.text:
            return [0, *(m.end() for m in _NEWLINE.finditer(self.text))]
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))][:-1]

    @cached_property
    def _ascii(self) -> bool:
        return self.text.isascii()

    def offset(self, line: int, column: int) -> int:
        """The character offset of an `ast` position: a line from 1 and a column in UTF-8 bytes."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        piece = self.text[start:end]
        if piece.isascii():
            return start + column
        return start + len(piece.encode("utf-8")[:column].decode("utf-8"))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, node: ast.AST) -> Span:
        """The stretch a node covers, decorators included."""
        first = node
        if isinstance(node, _DECORATED) and node.decorator_list:
            first = node.decorator_list[0]
        start = self.offset(first.lineno, first.col_offset)  # type: ignore[attr-defined]
        if first is not node:
            start = self.text.rindex("@", 0, start)
        end = self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        line, column = self.position(start)
        return Span(start, end, line, column)

    def bare(self, node: ast.AST) -> Span:
        """The stretch of a definition without its decorators."""
        start = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        line, column = self.position(start)
        return Span(start, self.span(node).end, line, column)

    def code(self, node: ast.AST) -> str:
        """The text a node was written as."""
        span = self.span(node)
        return self.text[span.start : span.end]
