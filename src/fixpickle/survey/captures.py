"""What a definition captures, and whether a captured value can be handed over when the definition is made.

A closure reads its variables when it is called, `functools.partial` when it is made. The two agree only where every
captured variable is certainly bound before the definition is made and never bound again after it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from fixpickle.model import Span
from fixpickle.survey.facts import Capture
from fixpickle.survey.tree import (
    CALLABLES,
    FUNCTIONS,
    LOOPS,
    Callable_,
    Comprehension,
    Function,
    Tree,
    bound_names,
    children,
    free_names,
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
        self._bound: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self._plainness: dict[ast.AST, bool] = {}
        self._written: dict[ast.AST, frozenset[str]] = {}

    def of(self, node: ast.AST) -> tuple[Capture, ...] | None:
        """The variables of enclosing functions that a definition reads, as they come in it, or None where unknown."""
        if self._alone(node):
            return ()
        free = self._free(node)
        if free is None:
            return None
        read = [n for n in self.tree.within(node, ast.Name) if n.id in free]
        met = dict.fromkeys(n.id for n in sorted(read, key=lambda n: (n.lineno, n.col_offset)))
        return tuple(self._capture(node, name) for name in (*met, *sorted(free - set(met))))

    def _free(self, node: ast.AST) -> frozenset[str] | None:
        """The names that a definition reads from functions around it, or None where its scope cannot be told.

        The compiler's tables know, and cost a second parse of the file: they are asked where a look is not enough.
        """
        around = list(self._around(node))
        if self._plain(node) and all(map(self._plain, around)):
            return frozenset(n for n in self._unbound(node) if any(self._binds(scope, n) for scope in around))
        table = self.tree.table(node)
        if table is None:
            return None
        free = {name for name in free_names(table) if name.isidentifier()}  # `.type_params` is the compiler's
        return frozenset(free - type_parameters(node) - {"__class__", "__classdict__"})

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
        found = self._bindings(scope, name)
        return name in parameters(scope) or any(not _in_comprehension_target(self.tree, b, scope) for b in found)

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
        statement = "" if own else _import(self.tree, self._bindings(owner, name))
        reason = self._reason(node, owner, name)
        return Capture(name, self.tree.qualname(owner), reason, statement, None if own else self._sibling(owner, name))

    def _sibling(self, owner: Callable_, name: str) -> Span | None:
        """The stretch of the local function that alone binds `name`, where every run of `owner` gets to it."""
        bindings = self._bindings(owner, name)
        only = bindings[0] if len(bindings) == 1 else None
        alone = isinstance(only, FUNCTIONS) and name not in self._nonlocals(owner) and name not in parameters(owner)
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
                table = self.tree.table(scope)
                if table is None:
                    return None
                if name in table.get_identifiers() and table.lookup(name).is_local():
                    return scope
            scope = self.tree.scope(scope)
        return None

    def _reason(self, node: ast.AST, owner: Callable_, name: str) -> str:
        """Why the value of `name` may differ between the making and the calling of `node`, or an empty string."""
        if isinstance(owner, ast.Lambda):
            rebound = any(isinstance(n, ast.NamedExpr) and n.target.id == name for n in walk(owner.body))
            return f"`{name}` is bound again inside the lambda around it" if rebound else ""
        if name in self._nonlocals(owner):
            return f"`{name}` is bound again through `nonlocal`"
        if any(isinstance(b, (*FUNCTIONS, ast.ClassDef)) and b is not node for b in self._bindings(owner, name)):
            return f"`{name}` is itself defined inside a function"
        if any(isinstance(b, ast.Name) and isinstance(b.ctx, ast.Del) for b in self._bindings(owner, name)):
            return f"`{name}` is deleted by the function around it"
        if any(self._is_generator(b) for b in self._bindings(owner, name)):
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
        for binding in self._bindings(owner, name):
            if _in_comprehension_target(self.tree, binding, owner):
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
                if not header and binding is not place:
                    return line
        return None

    def _is_generator(self, binding: ast.AST) -> bool:
        parent = self.tree.parents[binding]
        return isinstance(parent, ast.Assign) and isinstance(parent.value, ast.GeneratorExp)

    def _nonlocals(self, owner: Callable_) -> frozenset[str]:
        """The names that functions in `owner` declare nonlocal."""
        if owner not in self._written:
            found = self.tree.within(owner, ast.Nonlocal)
            self._written[owner] = frozenset(name for n in found for name in n.names)
        return self._written[owner]

    def _bindings(self, owner: Callable_, name: str) -> list[ast.AST]:
        """Every node of `owner`'s own scope that binds or deletes `name`, parameters left out."""
        if owner not in self._bound:
            table = self._bound[owner] = {}
            pending: list[ast.AST] = list(owner.body) if isinstance(owner, FUNCTIONS) else [owner.body]
            while pending:
                node = pending.pop()
                if bound := _bound_name(node):
                    table.setdefault(bound, []).append(node)
                pending.extend(_evaluated_here(node))
        return self._bound[owner].get(name, [])


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


def _statement_in(tree: Tree, node: ast.AST, owner: Callable_) -> ast.stmt:
    """The statement of `owner`'s own body, at any depth of blocks, in which `node` is made."""
    inner = node
    while tree.scope(inner) is not owner:
        inner = tree.scope(inner)
    return tree.statement(inner)


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


def _bound_name(node: ast.AST) -> str | None:
    """The name a node binds or deletes itself."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, (ast.Store, ast.Del)) else None
    if isinstance(node, ast.alias):
        return (node.asname or node.name).split(".")[0]
    if isinstance(node, ast.MatchMapping):
        return node.rest
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return node.name
    return None


def _in_comprehension_target(tree: Tree, binding: ast.AST, owner: Callable_) -> bool:
    """A comprehension's own variable is another variable, in spite of its name; a walrus in it is not."""
    if isinstance(tree.parents.get(binding), ast.NamedExpr):
        return False
    for parent in tree.ancestors(binding):
        if isinstance(parent, Comprehension):
            return True
        if parent is owner or isinstance(parent, ast.stmt):
            return False
    return False


def _within(tree: Tree, node: ast.AST, owner: ast.AST) -> Iterator[ast.AST]:
    """The node's ancestors up to, and without, `owner`."""
    for parent in tree.ancestors(node):
        if parent is owner:
            return
        yield parent


# --- certain binding ------------------------------------------------------------------------------------------------


def _certain(tree: Tree, owner: Callable_, place: ast.stmt, name: str) -> bool:
    """Whether `name` is bound on every path from the start of `owner` to `place`."""
    node: ast.AST = place
    if isinstance(place, (*FUNCTIONS, ast.ClassDef)) and place.name == name:
        return True
    while node is not owner:
        parent = tree.parents[node]
        block = _block_of(parent, node)
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


def _block_of(parent: ast.AST, child: ast.AST) -> list[ast.stmt]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and child in block:
            return block
    return []


def _binds_certainly(block: Sequence[ast.stmt], name: str) -> bool:
    """Whether running the whole block to its end binds `name` and leaves it bound."""
    bound = False
    for statement in block:
        if isinstance(statement, ast.Delete) and name in bound_names(statement):
            bound = False
        elif _statement_binds(statement, name):
            bound = True
    return bound


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
