"""Where a file uses names that a library took away, moved, or gave other arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import Reference
from fixpickle.survey.moved import behind, moved
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree


def moved_names(tree: Tree, names: Names) -> Iterator[Reference]:
    """Every use of such a name in the old form, the whole dotted expression."""
    libraries = {name.partition(".")[0] for name in moved()}
    if not any(fact.target.partition(".")[0] in libraries for fact in names.imports):
        return
    found: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute)
    for node in found:
        parent = tree.parents[node]
        if not isinstance(node.ctx, ast.Load) or isinstance(parent, ast.Attribute):
            continue
        symbol = names.of(node)
        known = behind(symbol) if symbol else None
        if known is None:
            continue
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        keywords = ["" for _ in call.args] + [k.arg or "**" for k in call.keywords] if call is not None else []
        if known.means(call is not None, keywords):
            yield Reference(symbol, tree.span(node), call is not None, "", tuple(keywords))
