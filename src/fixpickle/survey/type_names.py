"""What a class is called where that is not where it stands: a private name inside a class, names set by hand."""

from __future__ import annotations

import ast

from fixpickle.model import Span
from fixpickle.survey.mangling import is_private
from fixpickle.survey.tree import Tree


def feigned(tree: Tree, node: ast.ClassDef) -> tuple[str, str, Span] | None:
    """Which of its names the body of a class sets, to what, and where; None where it sets none."""
    for statement in node.body:
        if not isinstance(statement, ast.Assign) or "<locals>" in tree.qualname(node):
            continue
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Name) and target.id in ("__module__", "__qualname__"):
            said = value.value if isinstance(value, ast.Constant) else ast.unparse(value)
            return target.id, str(said), tree.span(statement)
    return None


def is_mangled(tree: Tree, node: ast.ClassDef) -> bool:
    """Whether a class is bound to an attribute of another class under a mangled name."""
    outer = tree.parents[node]
    nested = isinstance(outer, ast.ClassDef) and outer.name.strip("_") != "" and "<locals>" not in tree.qualname(node)
    return is_private(node.name) and nested
