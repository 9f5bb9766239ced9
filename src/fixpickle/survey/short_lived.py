"""Which classes a file makes instances of for its own calls alone: made, used and dropped in one function."""

from __future__ import annotations

import ast

from fixpickle.survey.facts import ShortLived
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree

_TESTS = frozenset({"isinstance", "issubclass"})
_ASKING = (ast.Compare, ast.UnaryOp, ast.BoolOp, ast.If, ast.While, ast.Assert, ast.Expr)
_HANDING = (ast.Call, ast.keyword, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Assign, ast.AnnAssign, ast.Return)


def short_lived(tree: Tree, names: Names, flow: Flow) -> ShortLived:
    """Of the classes of the file's own package, those that functions make instances of, by what they do with these."""
    dropped, kept = set[str](), set[str]()
    top = names.module.partition(".")[0]
    found: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute)
    for node in found:
        spelled = node.id if isinstance(node, ast.Name) else node.attr
        parent = tree.parents[node]
        if not spelled.lstrip("_")[:1].isupper() or not isinstance(parent, _HANDING) or _tests(parent, node):
            continue
        symbol = names.of(node)
        if symbol.partition(".")[0] == top and symbol.partition(".")[2]:
            made = isinstance(parent, ast.Call) and parent.func is node
            (dropped if made and _is_dropped(tree, flow, parent) else kept).add(symbol)
    return ShortLived(frozenset(dropped), frozenset(kept))


def _tests(parent: ast.AST, node: ast.AST) -> bool:
    """Whether a class is only tested for, or says of what type a variable is."""
    if isinstance(parent, ast.AnnAssign):
        return parent.annotation is node
    return isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in _TESTS


def _is_dropped(tree: Tree, flow: Flow, call: ast.AST) -> bool:
    """Whether a function makes an instance that nothing but its own statements can use."""
    parent, function = tree.parents[call], tree.function(call)
    if not isinstance(function, FUNCTIONS):
        return False
    if isinstance(parent, ast.Attribute):
        return _is_called(tree, parent)
    if isinstance(parent, ast.withitem) and parent.context_expr is call:
        target = parent.optional_vars
    elif isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target = parent.targets[0]
    else:
        return isinstance(parent, ast.Expr)
    if target is None:
        return True
    if not isinstance(target, ast.Name) or flow.variables.owner(target, target.id) is not function:
        return False
    uses = flow.variables.loads(function, target.id)
    return all(tree.function(use) is function and _is_used(tree, use) for use in uses)


def _is_called(tree: Tree, attribute: ast.Attribute) -> bool:
    parent = tree.parents[attribute]
    return isinstance(parent, ast.Call) and parent.func is attribute


def _is_used(tree: Tree, use: ast.AST) -> bool:
    """Whether a variable is only asked there: a method called, an attribute read or set, its truth, its items."""
    parent = tree.parents[use]
    if isinstance(parent, ast.Attribute):
        kept = isinstance(tree.parents[parent], (ast.Call, ast.keyword)) and not _is_called(tree, parent)
        return not kept
    if isinstance(parent, (ast.For, ast.comprehension)):
        return parent.iter is use
    if isinstance(parent, ast.withitem):
        return parent.optional_vars is None
    return isinstance(parent, _ASKING)
