"""Calls that a test expects to fail: what is handed to them is not meant to be pickled."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree

_METHODS = frozenset(["assertRaises", "assertRaisesRegex"])


def expected_to_fail(tree: Tree, names: Names) -> Iterator[ast.Call]:
    """The calls in the blocks of `with pytest.raises(...)` and `with self.assertRaises(...)`."""
    for node in tree.of(ast.With):
        if any(_expects(item.context_expr, names) for item in node.items):
            yield from (n for statement in node.body for n in ast.walk(statement) if isinstance(n, ast.Call))


def _expects(manager: ast.expr, names: Names) -> bool:
    if not isinstance(manager, ast.Call):
        return False
    by_method = isinstance(manager.func, ast.Attribute) and manager.func.attr in _METHODS
    return by_method or names.of(manager.func) == "pytest.raises"
