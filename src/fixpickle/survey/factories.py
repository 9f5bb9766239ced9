"""Functions of a module that always return one function of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.definitions import decorates
from fixpickle.survey.facts import Factory
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree, parameters


def factories(tree: Tree, names: Names) -> Iterator[Factory]:
    """Every such function that has no decorator itself."""
    for node in tree.root.body:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list:
            continue
        inner = [n for n in node.body if isinstance(n, ast.FunctionDef)]
        if len(inner) != 1 or decorates(inner[0]) or tree.within(node, ast.Yield, ast.YieldFrom):
            continue
        returned = [n for n in tree.within(node, ast.Return) if tree.function(n) is node]
        if returned and all(isinstance(r.value, ast.Name) and r.value.id == inner[0].name for r in returned):
            symbols = {names.of(d) for d in inner[0].decorator_list}
            taken = parameters(node)
            yield Factory(
                node.name,
                tree.qualname(inner[0]),
                tree.span(inner[0]),
                "functools.wraps()" in symbols or _told_its_name(tree, names, node, inner[0]),
                taken[0] if len(taken) == 1 else "",
            )


def _told_its_name(tree: Tree, names: Names, outer: ast.FunctionDef, inner: ast.FunctionDef) -> bool:
    """Whether a function hands one of its own to `functools.update_wrapper`, or itself copies another's name to it."""
    stores = (n for n in tree.within(outer, ast.Attribute) if n.attr == "__qualname__" and isinstance(n.ctx, ast.Store))
    if any(isinstance(n.value, ast.Name) and n.value.id == inner.name for n in stores):
        return True
    calls = (c for c in tree.within(outer, ast.Call) if c.args and isinstance(c.args[0], ast.Name))
    return any(c.args[0].id == inner.name and names.of(c.func) == "functools.update_wrapper" for c in calls)  # type: ignore[attr-defined]
