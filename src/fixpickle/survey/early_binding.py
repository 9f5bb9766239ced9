"""Whether the value that a definition captures can be handed over when the definition is made.

A closure reads its variables when it is called, `functools.partial` when it is made. The two agree only where every
captured variable is certainly bound before the definition is made and never bound again after it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from fixpickle.survey.locals import Locals, in_comprehension_target
from fixpickle.survey.tree import FUNCTIONS, LOOPS, Callable_, Tree, block_of, bound_names, parameters, walk


class EarlyBinding:
    """Tells of captured variables what speaks against binding them early."""

    def __init__(self, tree: Tree, local: Locals) -> None:
        self.tree, self.locals = tree, local

    def hindrance(self, node: ast.AST, owner: Callable_, name: str) -> str:
        """Why the value of `name` may differ between the making and the calling of `node`, or an empty string."""
        if isinstance(owner, ast.Lambda):
            rebound = any(isinstance(n, ast.NamedExpr) and n.target.id == name for n in walk(owner.body))
            return f"`{name}` is bound again inside the lambda around it" if rebound else ""
        if name in self.locals.nonlocals(owner):
            return f"`{name}` is bound again through `nonlocal`"
        if any(isinstance(b, (*FUNCTIONS, ast.ClassDef)) and b is not node for b in self.locals.bindings(owner, name)):
            return f"`{name}` is itself defined inside a function"
        if any(isinstance(b, ast.Name) and isinstance(b.ctx, ast.Del) for b in self.locals.bindings(owner, name)):
            return f"`{name}` is deleted by the function around it"
        if any(self._is_generator(b) for b in self.locals.bindings(owner, name)):
            return f"`{name}` is a generator, which cannot be pickled in any case"
        place = _statement_in(self.tree, node, owner)
        later = self._binding_after(owner, place, name)
        if later is not None:
            return f"`{name}` is bound again after the definition, at line {later}"
        if name not in parameters(owner) and not _certain(self.tree, owner, place, name):
            return f"`{name}` is not certain to be bound when the definition is made"
        return ""

    def _binding_after(self, owner: Callable_, place: ast.stmt, name: str) -> int | None:
        """The line of a binding of `name` that can run after `place` has run once, or None."""
        loops = [a for a in _within(self.tree, place, owner) if isinstance(a, LOOPS)]
        for binding in self.locals.bindings(owner, name):
            if in_comprehension_target(self.tree, binding, owner):
                continue
            line: int = binding.lineno  # type: ignore[attr-defined]
            if isinstance(binding, ast.ExceptHandler):
                return line  # the name is deleted when the handler ends
            stands_in = [a for a in _within(self.tree, binding, owner) if a in loops]
            if stands_in:
                return line
            statement = self.tree.statement(binding)
            if statement is place or self.tree.span(statement).start > self.tree.span(place).start:
                header = any(statement is a for a in _within(self.tree, place, owner))
                if not header and binding is not place and not self._excludes(place, binding, owner):
                    return line
        return None

    def _excludes(self, place: ast.stmt, binding: ast.AST, owner: Callable_) -> bool:
        """Whether they stand in two branches of which one run of `owner` takes one, no loop being around both."""
        before: ast.AST = place
        for around in _within(self.tree, place, owner):
            if isinstance(around, (ast.If, ast.Match)):
                other = self._branch(around, binding)
                if other is not None and other is not self._branch(around, before):
                    return True
            before = around
        return False

    def _branch(self, around: ast.If | ast.Match, node: ast.AST) -> object:
        """The branch that a node is in, or None: its block, or its case."""
        inside = {node, *self.tree.ancestors(node)}
        if isinstance(around, ast.Match):
            return next((case for case in around.cases if case in inside), None)
        return next((b for b in (around.body, around.orelse) if not inside.isdisjoint(b)), None)

    def _is_generator(self, binding: ast.AST) -> bool:
        parent = self.tree.parents[binding]
        return isinstance(parent, ast.Assign) and isinstance(parent.value, ast.GeneratorExp)


def _statement_in(tree: Tree, node: ast.AST, owner: Callable_) -> ast.stmt:
    """The statement of `owner`'s own body, at any depth of blocks, in which `node` is made."""
    inner = node
    while tree.scope(inner) is not owner:
        inner = tree.scope(inner)
    return tree.statement(inner)


def _within(tree: Tree, node: ast.AST, owner: ast.AST) -> Iterator[ast.AST]:
    """The node's ancestors up to, and without, `owner`."""
    for parent in tree.ancestors(node):
        if parent is owner:
            return
        yield parent


def _certain(tree: Tree, owner: Callable_, place: ast.stmt, name: str) -> bool:
    """Whether `name` is bound on every path from the start of `owner` to `place`."""
    node: ast.AST = place
    if isinstance(place, (*FUNCTIONS, ast.ClassDef)) and place.name == name:
        return True
    while node is not owner:
        parent = tree.parents[node]
        block = block_of(parent, node)
        before = block[: block.index(node)] if block else []  # type: ignore[arg-type]
        if _binds_certainly(before, name):
            return True
        if isinstance(parent, ast.match_case) and name in bound_names(parent.pattern):
            return True
        if isinstance(parent, (ast.With, ast.AsyncWith)) and any(
            i.optional_vars is not None and name in bound_names(i.optional_vars) for i in parent.items
        ):
            return True
        node = parent
    return False


def _binds_certainly(block: Sequence[ast.stmt], name: str) -> bool:
    """Whether running the whole block to its end binds `name`. What is deleted anywhere does not come this far."""
    return any(_statement_binds(statement, name) for statement in block)


def _statement_binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.Assign):
        return any(name in bound_names(t) for t in statement.targets)
    if isinstance(statement, ast.AnnAssign):
        return statement.value is not None and name in bound_names(statement.target)
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom, ast.AugAssign)):
        return name in bound_names(statement)
    if isinstance(statement, ast.If):
        return all(_ends(b) or _binds_certainly(b, name) for b in (statement.body, statement.orelse))
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        # A context manager may swallow an exception raised before the binding, so only its own target is certain.
        return any(i.optional_vars is not None and name in bound_names(i.optional_vars) for i in statement.items)
    if isinstance(statement, ast.Try):
        handled = all(_ends(h.body) or _binds_certainly(h.body, name) for h in statement.handlers)
        return _binds_certainly(statement.finalbody, name) or (handled and _binds_certainly(statement.body, name))
    return False


def _ends(block: Sequence[ast.stmt]) -> bool:
    """Whether control never leaves the block by its end."""
    return bool(block) and isinstance(block[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))
