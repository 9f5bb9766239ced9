"""What a definition captures: the variables of functions around it that it reads."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from fixpickle.model import Span
from fixpickle.survey.early_binding import EarlyBinding
from fixpickle.survey.facts import Capture
from fixpickle.survey.locals import Locals, in_comprehension_target
from fixpickle.survey.tables import Tables, free_names
from fixpickle.survey.tree import (
    CALLABLES,
    FUNCTIONS,
    Callable_,
    Comprehension,
    Function,
    Tree,
    bound_names,
    parameters,
    type_parameters,
    walk,
)

_SCOPES = (*CALLABLES, *Comprehension, ast.ClassDef)
# What makes a name another scope's, or another name.
_UNPLAIN = (ast.Global, ast.Nonlocal, ast.Delete, ast.AnnAssign, ast.ClassDef)
UNKNOWN = "its scope could not be told from another on the same line"


class Captures:
    """Reads what the definitions of one file capture."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.tables, self.locals = Tables(tree), Locals(tree)
        self.early = EarlyBinding(tree, self.locals)
        self._plainness: dict[ast.AST, bool] = {}

    def of(self, node: ast.AST) -> tuple[Capture, ...] | None:
        """The variables of enclosing functions that a definition reads, as these have them, or None where unknown.

        Those of outer functions come first, parameters as they are declared, then what is bound in the body.
        """
        if self._alone(node):
            return ()
        free = self._free(node)
        if free is None:
            return None
        return tuple(self._capture(node, name) for name in sorted(free, key=lambda name: self._place(node, name)))

    def _place(self, node: ast.AST, name: str) -> tuple[int, bool, int, str]:
        """Where a captured variable has its place among the others: by its function, then in that."""
        owner = self.owner_of(node, name)
        if not isinstance(owner, CALLABLES):
            return sys.maxsize, False, 0, name
        own, around = parameters(owner), self.tree.span(owner).start
        if name in own:
            return around, False, own.index(name), name
        bound = (self.tree.span(b).start for b in self.locals.bindings(owner, name))
        return around, True, min(bound, default=0), name

    def _free(self, node: ast.AST) -> frozenset[str] | None:
        """The names that a definition reads from functions around it, or None where its scope cannot be told.

        The compiler's tables know, and cost a second parse of the file: they are asked where a look is not enough.
        """
        around = list(self._around(node))
        if self._plain(node) and all(map(self._plain, around)):
            return frozenset(n for n in self._unbound(node) if any(self._binds(scope, n) for scope in around))
        table = self.tables.of(node)
        if table is None:
            return None
        free = {name for name in free_names(table) if name.isidentifier()}  # `.type_params` is the compiler's
        free.update(n for n in self._in_annotations(node) if any(self._binds(scope, n) for scope in around))
        return frozenset(free - type_parameters(node) - {"__class__", "__classdict__"})

    def _in_annotations(self, node: ast.AST) -> Iterator[str]:
        """What annotations of local variables name, which nothing evaluates: from Python 3.14 no table has it."""
        for statement in () if self.tree.lazy_annotations else self.tree.within(node, ast.AnnAssign):
            scope = self.tree.scope(statement)
            inside = [s for s in (scope, *self._around(scope)) if self.tree.inside(s, node)]
            for name in walk(statement.annotation) if isinstance(scope, CALLABLES) else ():
                if isinstance(name, ast.Name) and not any(self._binds(s, name.id) for s in inside):
                    yield name.id

    def _unbound(self, scope: ast.AST) -> set[str]:
        """The names that a plain scope and those in it read, and it does not bind."""
        read = {n.id for n in self.tree.within(scope, ast.Name) if self.tree.scope(n) is scope}
        for inner in self.tree.within(scope, *_SCOPES):
            if self.tree.scope(inner) is scope and inner is not scope:
                read |= self._unbound(inner)
        return {name for name in read if not self._binds(scope, name)}

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The functions, lambdas and comprehensions around a definition, innermost first."""
        scope = self.tree.scope(node)
        while not isinstance(scope, ast.Module):
            if not isinstance(scope, ast.ClassDef):
                yield scope
            scope = self.tree.scope(scope)

    def _plain(self, scope: ast.AST) -> bool:
        """Whether a look at its own statements tells which names a function or lambda binds."""
        if scope not in self._plainness:
            self._plainness[scope] = self._look_at(scope)
        return self._plainness[scope]

    def _look_at(self, scope: ast.AST) -> bool:
        """No other definition on its line has its name, no name is another in a class, or another scope's."""
        if not isinstance(scope, CALLABLES) or self._starting[_name_of(scope), scope.lineno] > 1:
            return False
        functions: list[Function] = self.tree.within(scope, *FUNCTIONS)
        if self.tree.within(scope, *_UNPLAIN) or any(getattr(f, "type_params", None) for f in functions):
            return False
        names = {n.id for n in self.tree.within(scope, ast.Name)} | {a.arg for a in self.tree.within(scope, ast.arg)}
        return "super" not in names and not any(name.startswith("__") for name in names)

    @cached_property
    def _starting(self) -> Counter[tuple[str, int]]:
        found: list[Callable_ | ast.ClassDef] = self.tree.of(*CALLABLES, ast.ClassDef)
        return Counter((_name_of(node), node.lineno) for node in found)

    def _binds(self, scope: ast.AST, name: str) -> bool:
        if isinstance(scope, Comprehension):
            return any(name in bound_names(g.target) for g in scope.generators)
        assert isinstance(scope, CALLABLES)
        found = self.locals.bindings(scope, name)
        return name in parameters(scope) or any(not in_comprehension_target(self.tree, b, scope) for b in found)

    def _alone(self, node: ast.AST) -> bool:
        """Whether nothing but the module is around a definition: known without the compiler's tables, which are dear.

        In a class the tables may not tell which is whose: private parameters have other names there.
        """
        return isinstance(self.tree.scope(node), ast.Module) and self.tree.class_around(node) is None

    def _capture(self, node: ast.AST, name: str) -> Capture:
        if (generic := self.generic_around(node, name)) is not None:
            return Capture(name, self.tree.qualname(generic), type_parameter_of(name, self.tree.qualname(generic)))
        owner = self.owner_of(node, name)
        if owner is None:
            return Capture(name, "", UNKNOWN)
        if isinstance(owner, Comprehension):
            return Capture(name, "", f"`{name}` is bound again by each turn of the comprehension")
        assert isinstance(owner, CALLABLES)
        own = isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == name and self.tree.scope(node) is owner
        statement = "" if own else _import(self.tree, self.locals.bindings(owner, name))
        reason = self.early.hindrance(node, owner, name)
        return Capture(name, self.tree.qualname(owner), reason, statement, None if own else self._sibling(owner, name))

    def _sibling(self, owner: Callable_, name: str) -> Span | None:
        """The stretch of the local function that alone binds `name`, where every run of `owner` gets to it."""
        bindings = self.locals.bindings(owner, name)
        only = bindings[0] if len(bindings) == 1 else None
        alone = (
            isinstance(only, FUNCTIONS) and name not in self.locals.nonlocals(owner) and name not in parameters(owner)
        )
        return self.tree.span(only) if alone and only is not None and self.tree.parents[only] is owner else None

    def generic_around(self, node: ast.AST, name: str) -> ast.AST | None:
        """The generic function or class around `node` whose type parameter `name` is there."""
        scope = self.tree.scope(node) if self.tree.generic else self.tree.root
        while not isinstance(scope, ast.Module):
            if isinstance(scope, CALLABLES) and self._binds(scope, name):
                return None
            if name in type_parameters(scope):
                return scope
            scope = self.tree.scope(scope)
        return None

    def owner_of(self, node: ast.AST, name: str) -> ast.AST | None:
        """The function, lambda or comprehension around `node` whose variable `name` is."""
        scope = self.tree.scope(node)
        while not isinstance(scope, ast.Module):
            if isinstance(scope, Comprehension):
                if any(name in bound_names(g.target) for g in scope.generators):
                    return scope
            elif isinstance(scope, CALLABLES):
                if self._plain(scope):
                    if self._binds(scope, name):
                        return scope
                    scope = self.tree.scope(scope)
                    continue
                table = self.tables.of(scope)
                if table is None:
                    return None
                if name in table.get_identifiers() and table.lookup(name).is_local():
                    return scope
            scope = self.tree.scope(scope)
        return None


def type_parameter_of(name: str, owner: str) -> str:
    """Why what names a type parameter of a function or class around it stays."""
    return f"`{name}` is a type parameter of {owner}, which each call of it makes anew"


def _name_of(node: Callable_ | ast.ClassDef) -> str:
    return "lambda" if isinstance(node, ast.Lambda) else node.name


def _import(tree: Tree, bindings: list[ast.AST]) -> str:
    """The import statement that alone binds a captured name."""
    if len(bindings) != 1 or not isinstance(bindings[0], ast.alias):
        return ""
    statement = tree.parents[bindings[0]]
    if isinstance(statement, ast.ImportFrom):
        return ast.unparse(ast.ImportFrom(statement.module, [bindings[0]], statement.level))
    return ast.unparse(ast.Import([bindings[0]]))
