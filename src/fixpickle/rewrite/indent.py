"""Whole statements one level deeper, without a change to what their strings say."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.model import Edit, Span
from fixpickle.rewrite.place import line_end, line_start
from fixpickle.survey.tree import Tree


def deeper(tree: Tree, start: int, end: int, unit: str) -> Iterator[Edit]:
    """Indents the lines from offset `start` to `end` by `unit`; blank ones stay, and those that begin in a string."""
    strings: list[ast.Constant | ast.JoinedStr] = tree.of(ast.Constant, ast.JoinedStr)
    texts = [tree.span(node) for node in strings if _long(node)]
    at = line_start(tree.text, start)
    while at < end:
        after = line_end(tree.text, at)
        if tree.text[at:after].strip() and not any(text.start < at < text.end for text in texts):
            yield Edit(tree.source.path, at, at, unit)
        at = after


def unit_below(tree: Tree, outer: ast.stmt, inner: ast.stmt) -> str:
    """By how much a statement in a block is indented more than the one that has the block."""
    return _indent(tree, inner)[len(_indent(tree, outer)) :]


def _long(node: ast.Constant | ast.JoinedStr) -> bool:
    """Whether it is a string over several lines. Strings that only stand side by side count too, and lose nothing."""
    text = isinstance(node, ast.JoinedStr) or isinstance(node.value, (str, bytes))
    return text and node.end_lineno != node.lineno


def _indent(tree: Tree, statement: ast.stmt) -> str:
    span: Span = tree.span(statement)
    return tree.text[line_start(tree.text, span.start) : span.start]
