"""The import of a name that nothing uses any more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from fixpickle.model import Edit, Source, Span
from fixpickle.rewrite.place import line_end, line_start, without_lines
from fixpickle.survey.facts import Facts
from fixpickle.survey.tree import Tree


def without_import(facts: Facts, source: Source, local: str, gone: Sequence[Span]) -> tuple[Edit, ...]:
    """The module-level import of `local` taken away, where all that names it stands in `gone`; else nothing.

    Comments between other names of the same statement stay. What other files import from this one they still find only
    where the caller has looked.
    """
    tree = Tree(source)
    statements = [s for s in tree.root.body if isinstance(s, (ast.Import, ast.ImportFrom)) and _binds(s, local)]
    if len(statements) != 1 or local in (facts.exports or ()) or any(_uses(tree, local, gone)):
        return ()
    statement = statements[0]
    index = next(i for i, a in enumerate(statement.names) if (a.asname or a.name) == local)
    if len(statement.names) > 1:
        return (_among_others(tree, statement, index),)
    span = tree.span(statement)
    start, end = line_start(source.text, span.start), line_end(source.text, span.end)
    alone = not source.text[start : span.start].strip() and not source.text[span.end : end].split("#")[0].strip()
    return (without_lines(source.path, source.text, start, end),) if alone else ()


def _binds(statement: ast.Import | ast.ImportFrom, local: str) -> bool:
    return any((alias.asname or alias.name) == local for alias in statement.names)


def _uses(tree: Tree, local: str, gone: Sequence[Span]) -> Iterator[ast.AST]:
    """Where the file names it besides, strings included: an annotation may be one."""
    word = re.compile(rf"\b{re.escape(local)}\b")
    nodes: list[ast.Name | ast.Constant | ast.Global] = tree.of(ast.Name, ast.Constant, ast.Global)
    for node in nodes:
        named = isinstance(node, ast.Name) and node.id == local
        said = isinstance(node, ast.Constant) and isinstance(node.value, str) and word.search(node.value)
        if named or said or (isinstance(node, ast.Global) and local in node.names):
            span = tree.span(node)
            if not any(g.start <= span.start and span.end <= g.end for g in gone):
                yield node


def _among_others(tree: Tree, statement: ast.Import | ast.ImportFrom, index: int) -> Edit:
    """One of several names of a statement, with the comma and the space that part it from the others."""
    spans = [tree.span(alias) for alias in statement.names]
    last = index == len(spans) - 1
    start = spans[index - 1].end if last else spans[index].start
    end = spans[index].end if last else spans[index + 1].start
    return Edit(tree.source.path, start, end, "")
