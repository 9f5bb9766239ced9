"""Lines added to a class: whole methods, and statements at the start or the end of one it has."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from fixpickle.model import Edit, Source
from fixpickle.rewrite.place import attached_start, block_end, line_end, line_start, starts_line
from fixpickle.survey.tree import FUNCTIONS, Function, Tree

# Each edit replaces at least one character: of two patches that add to one place, the second waits for its round.


def class_at(tree: Tree, cls: str) -> ast.ClassDef | None:
    """The class of that qualified name, where its body stands on lines of its own."""
    found = (n for n in tree.nodes if isinstance(n, ast.ClassDef) and tree.qualname(n) == cls)
    return next((n for n in found if starts_line(tree.text, tree.span(n.body[0]).start)), None)


def method_of(tree: Tree, node: ast.ClassDef, name: str) -> Function | None:
    """The class' own method of that name, where its body stands on lines of its own."""
    found = (s for s in node.body if isinstance(s, FUNCTIONS) and s.name == name)
    return next((m for m in found if starts_line(tree.text, tree.span(m.body[0]).start)), None)


def methods_behind(source: Source, tree: Tree, node: ast.ClassDef, after: Sequence[str], lines: Sequence[str]) -> Edit:
    """Methods behind the first one that the class has of the names in `after`, or else behind all of its body.

    `lines` are indented by four spaces a level, the methods themselves by none.
    """
    named = (method_of(tree, node, name) for name in after)
    place = next((m for m in named if m is not None), node.body[-1])
    outer = _indent(source.text, tree.span(node).start)
    inner = _indent(source.text, tree.span(node.body[0]).start)
    end = len(source.text[: block_end(source.text, tree.span(place))].rstrip("\r\n"))
    added = "".join(f"\n{_shifted(line, inner, inner[len(outer) :])}" for line in ("", *lines))
    return Edit(source.path, end - 1, end, source.text[end - 1 : end] + added)


def first_lines(source: Source, tree: Tree, method: Function, lines: Sequence[str]) -> Edit:
    """Statements at the start of a method, behind its docstring."""
    body = method.body
    text = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    first = body[1] if text and len(body) > 1 else body[0]
    outer, inner = _indents(source, tree, method)
    at = attached_start(source.text, tree.span(first).start)
    added = "".join(f"{_shifted(line, inner, inner[len(outer) :])}\n" for line in lines)
    return Edit(source.path, at, at + 1, added + source.text[at : at + 1])


def last_line(source: Source, tree: Tree, method: Function, line: str) -> Edit:
    """A statement at the end of a method."""
    _, inner = _indents(source, tree, method)
    end = len(source.text[: line_end(source.text, tree.span(method.body[-1]).end)].rstrip("\r\n"))
    return Edit(source.path, end - 1, end, f"{source.text[end - 1 : end]}\n{inner}{line}")


def _indents(source: Source, tree: Tree, method: Function) -> tuple[str, str]:
    return _indent(source.text, tree.span(method).start), _indent(source.text, tree.span(method.body[0]).start)


def _indent(text: str, offset: int) -> str:
    return text[line_start(text, offset) : offset]


def _shifted(line: str, indent: str, unit: str) -> str:
    """A line indented by four spaces a level, in the file's own way."""
    inner = line.lstrip(" ")
    return indent + unit * ((len(line) - len(inner)) // 4) + inner if inner else ""
