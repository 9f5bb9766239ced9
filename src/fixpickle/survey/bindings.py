"""What the names of every scope of a file are bound to."""

from __future__ import annotations

import ast

from fixpickle.survey.tree import FUNCTIONS, Comprehension, Tree, bound_name, bound_names

# The types of the nodes that bind names: what `_bound_values` knows.
_BINDING = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.withitem, ast.For, ast.AsyncFor),
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.arg),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
)

Bindings = dict[ast.AST, dict[str, list[ast.AST]]]
"""Per scope and name, the nodes that say what the name is: a value, an import, a definition, an annotation."""


def all_bindings(tree: Tree, global_writes: frozenset[tuple[ast.AST | None, str]]) -> Bindings:
    """All bindings of a file. What a function binds and declares `global` is the module's."""
    table: Bindings = {}
    for node in tree.of(*_BINDING):
        bound = _bound_values(node)
        scope = _binding_scope(tree, node) if bound else node
        for name, value in bound:
            at = tree.root if global_writes and (scope, name) in global_writes else scope
            table.setdefault(at, {}).setdefault(name, []).append(value)
    return table


def _binding_scope(tree: Tree, node: ast.AST) -> ast.AST:
    """The scope whose variables a node binds; comprehensions have only those of their targets."""
    if isinstance(node, ast.arg):
        return tree.parents[tree.parents[node]]
    scope = tree.scope(node)
    while isinstance(scope, Comprehension):
        scope = tree.scope(scope)
    return scope


def _bound_values(node: ast.AST) -> list[tuple[str, ast.AST]]:
    """Names this node binds, each with the node that says what it is; the node itself where nothing is known."""
    if isinstance(node, ast.arg):
        return [(node.arg, node)]
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [(node.name, node)]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(name, node) for name in bound_names(node)]
    if isinstance(node, ast.Assign):
        return [pair for target in node.targets for pair in _assigned(target, node.value)]
    if isinstance(node, ast.AnnAssign):
        return [(n, node.value or node) for n in bound_names(node.target)]
    if isinstance(node, ast.NamedExpr):
        return [(node.target.id, node.value)]
    if isinstance(node, ast.withitem) and node.optional_vars is not None:
        whole = isinstance(node.optional_vars, ast.Name)
        return [(n, node.context_expr if whole else node.optional_vars) for n in bound_names(node.optional_vars)]
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [(n, ast.Pass()) for n in bound_names(node.target)]
    if isinstance(node, ast.AugAssign):
        return [(n, ast.Pass()) for n in bound_names(node.target)]
    name = bound_name(node)
    return [(name, ast.Pass())] if name else []


def _assigned(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.AST]]:
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = list(zip(target.elts, value.elts, strict=True))
        if not any(isinstance(one, ast.Starred) for pair in pairs for one in pair):
            return [found for t, v in pairs for found in _assigned(t, v)]
    return [(n, target) for n in bound_names(target)]
