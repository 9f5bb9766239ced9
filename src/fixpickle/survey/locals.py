"""Where the names of a function are bound in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Callable_, Comprehension, Tree, bound_name, children


class Locals:
    """The bindings of the functions and lambdas of one file."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._bound: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self._written: dict[ast.AST, frozenset[str]] = {}

    def nonlocals(self, owner: Callable_) -> frozenset[str]:
        """The names that functions in `owner` declare nonlocal."""
        if owner not in self._written:
            found = self.tree.within(owner, ast.Nonlocal)
            self._written[owner] = frozenset(name for n in found for name in n.names)
        return self._written[owner]

    def bindings(self, owner: Callable_, name: str) -> list[ast.AST]:
        """Every node of `owner`'s own scope that binds or deletes `name`, parameters left out."""
        if owner not in self._bound:
            table = self._bound[owner] = {}
            pending: list[ast.AST] = list(owner.body) if isinstance(owner, FUNCTIONS) else [owner.body]
            while pending:
                node = pending.pop()
                if bound := bound_name(node):
                    table.setdefault(bound, []).append(node)
                pending.extend(_evaluated_here(node))
        return self._bound[owner].get(name, [])


def in_comprehension_target(tree: Tree, binding: ast.AST, owner: Callable_) -> bool:
    """A comprehension's own variable is another variable, in spite of its name; a walrus in it is not."""
    if isinstance(tree.parents.get(binding), ast.NamedExpr):
        return False
    for parent in tree.ancestors(binding):
        if isinstance(parent, Comprehension):
            return True
        if parent is owner or isinstance(parent, ast.stmt):
            return False
    return False


def _evaluated_here(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that its own scope evaluates: of a definition, all but its body."""
    if not isinstance(node, (*CALLABLES, ast.ClassDef)):
        yield from children(node)
        return
    body = node.body if isinstance(node.body, list) else [node.body]
    for child in children(node):
        if isinstance(child, ast.arguments):
            yield from (d for d in [*child.defaults, *child.kw_defaults] if d is not None)
        elif child not in body:
            yield child
