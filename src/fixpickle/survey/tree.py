"""A parsed file with what `ast` leaves out: parents, offsets, and the scope every node is in."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, count
from typing import TypeVar

from fixpickle.model import Source
from fixpickle.survey.positions import Positions

Node = TypeVar("Node", bound=ast.AST)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Callable_ = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CALLABLES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
# Fields without nodes, or with the markers (`Load`, `Add`, `Is`) that every file shares and that nothing is told by.
_PLAIN = frozenset(
    [
        *("ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "asname", "module", "level", "simple"),
        *("conversion", "is_async", "rest", "tag", "kwd_attrs"),
    ]
)
# What has a list in which not everything is a node: names, or None.
_MIXED = frozenset({ast.Dict, ast.arguments, ast.Global, ast.Nonlocal})
_INNER = {
    kind: tuple(f for f in kind._fields if f not in _PLAIN and kind is not ast.Constant)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
_SCOPING = frozenset({*CALLABLES, *Comprehension, ast.ClassDef})


class Tree(Positions):
    """One file's syntax tree. Raises SyntaxError or ValueError where the text is not Python."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.text)
        self.source = source
        self.root = ast.parse(source.text, str(source.path))
        self.nodes: list[ast.AST] = [self.root]
        self._places: defaultdict[type[ast.AST], list[int]] = defaultdict(list)
        self._below: list[int] = []  # the place of the first child of the node at that place, or where one would be
        self.parents, self.scopes = self._spread()
        self._parted: dict[type[ast.AST], dict[ast.AST, list[ast.AST]]] = {}
        self._functions: dict[ast.AST, Callable_ | None] = {}
        self._found: dict[tuple[type[ast.AST], ...], list[ast.AST]] = {}

    def _spread(self) -> tuple[dict[ast.AST, ast.AST], dict[ast.AST, ast.AST]]:
        """One pass over all nodes, outer ones first: their parents and their scopes.

        Written out, because it runs a million times for ten megabytes.
        Lists grow by all children of a node at once and become tables at the end, which takes half of the time that
        an entry for each node takes.
        """
        nodes, places, below, node_type = self.nodes, self._places, self._below, ast.AST
        parents: list[ast.AST] = [self.root]
        scopes: list[ast.AST] = [self.root]
        around: dict[ast.AST, ast.AST] = {}  # the scope that a scope stands in
        for place, node in enumerate(nodes):
            kind, first = type(node), len(nodes)
            places[kind].append(place)
            below.append(first)
            for name in _INNER[kind]:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    nodes += [v for v in value if isinstance(v, node_type)] if kind in _MIXED else value
                elif isinstance(value, node_type):
                    nodes.append(value)
            inner = len(nodes) - first
            if inner:
                parents += [node] * inner
                scope = scopes[place]
                if kind in _SCOPING:
                    around[node] = scope
                    scopes += [node if _evaluates(node, child) else scope for child in nodes[first:]]
                else:
                    scopes += [scope] * inner
                    if kind is ast.comprehension and node is parents[place].generators[0]:  # type: ignore[attr-defined]
                        scopes[first + 1] = around[parents[place]]  # its iterable, behind its target
        below.append(len(nodes))
        return dict(zip(nodes[1:], parents[1:], strict=True)), dict(zip(nodes, scopes, strict=True))

    def of(self, *kinds: type[Node]) -> list[Node]:
        """The nodes of exactly these types, outer ones first, as they come in `nodes`."""
        if kinds not in self._found:
            places = [self._places.get(kind, []) for kind in kinds]
            self._found[kinds] = self._at(places[0] if len(kinds) == 1 else sorted(chain.from_iterable(places)))
        return self._found[kinds]  # type: ignore[return-value]

    def within(self, node: ast.AST, *kinds: type[Node]) -> list[Node]:
        """The nodes of exactly these types among a node and all below it, as they come in `nodes`."""
        if len(kinds) == 1 and self.parents.get(node) is self.root:
            return self._by_statement(kinds[0]).get(node, [])
        first, end = self._order[node], self._order[node] + 1
        found: list[int] = []
        every = [places for kind in kinds if (places := self._places.get(kind))]
        while every and first < end:  # what is equally deep below one node stands side by side
            for places in every:
                start = bisect_left(places, first)
                found += places[start : bisect_left(places, end, start)]
            first, end = self._below[first], self._below[end]
        return self._at(sorted(found))

    def _by_statement(self, kind: type[Node]) -> dict[ast.AST, list[Node]]:
        """The nodes of exactly this type by the module-level statement they stand in, as they come in `nodes`."""
        if kind not in self._parted:
            nodes, tops = self.nodes, self._tops
            found: dict[ast.AST, list[ast.AST]] = {}
            for place in self._places.get(kind, ()):
                found.setdefault(nodes[tops[place]], []).append(nodes[place])
            self._parted[kind] = found
        return self._parted[kind]  # type: ignore[return-value]

    @cached_property
    def _tops(self) -> list[int]:
        """Of each node the place of the module-level statement it stands in."""
        below = self._below
        tops = list(range(below[1]))
        for place in range(1, len(self.nodes)):
            inner = below[place + 1] - below[place]
            if inner:
                tops += [tops[place]] * inner
        return tops

    def _at(self, places: list[int]) -> list[Node]:
        nodes = self.nodes
        return [nodes[place] for place in places]  # type: ignore[misc]

    def ordered(self, nodes: Iterable[Node]) -> list[Node]:
        """These nodes as they come in `nodes`."""
        return sorted(nodes, key=self._order.__getitem__)

    @cached_property
    def _order(self) -> dict[ast.AST, int]:
        return dict(zip(self.nodes, count(), strict=False))

    # --- ancestry ---

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The node's parents, innermost first, ending with the module."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> ast.AST:
        """The module, class, function or comprehension in which the node is evaluated.

        Decorators, defaults, annotations and bases belong to the scope around the definition; so does the first
        iterable of a comprehension.
        """
        return self.scopes.get(node, self.root)

    def inside(self, node: ast.AST, outer: ast.AST) -> bool:
        """Whether a node is `outer` or stands in it."""
        return node is outer or any(a is outer for a in self.ancestors(node))

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class the node stands in, through functions; its private names are mangled with it."""
        return next((a for a in self.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    def function(self, node: ast.AST) -> Callable_ | None:
        """The innermost function or lambda in which the node is evaluated, through comprehensions and classes."""
        first = scope = self.scope(node)
        if first not in self._functions:
            while not isinstance(scope, (*CALLABLES, ast.Module)):
                scope = self.scope(scope)
            self._functions[first] = scope if isinstance(scope, CALLABLES) else None
        return self._functions[first]

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement the node belongs to; a statement is its own."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def top(self, node: ast.AST) -> ast.stmt:
        """The module-level statement the node stands in."""
        top = self.nodes[self._tops[self._order[node]]]
        assert isinstance(top, ast.stmt)
        return top

    def method_class(self, function: ast.AST | None) -> ast.ClassDef | None:
        """The class a function is directly a method of."""
        parent = self.parents.get(function) if function is not None else None
        return parent if isinstance(parent, ast.ClassDef) else None

    def qualname(self, node: ast.AST) -> str:
        """`__qualname__` as Python makes it, for a scope or a definition; the module's is empty."""
        if isinstance(node, ast.Module):
            return ""
        name = "<lambda>" if isinstance(node, ast.Lambda) else getattr(node, "name", "<comprehension>")
        scope = self.scope(node)
        while isinstance(scope, Comprehension):
            scope = self.scope(scope)
        outer = self.qualname(scope)
        if isinstance(scope, CALLABLES):
            outer += ".<locals>"
        return f"{outer}.{name}" if outer else str(name)

    def attributes(self, name: str) -> list[ast.Attribute]:
        """Every `something.name` of the file."""
        return self._attributes.get(name, [])

    @cached_property
    def _attributes(self) -> dict[str, list[ast.Attribute]]:
        found: dict[str, list[ast.Attribute]] = {}
        for node in self.of(ast.Attribute):
            found.setdefault(node.attr, []).append(node)
        return found

    @cached_property
    def generic(self) -> bool:
        """Whether a function or class of the file has type parameters."""
        definitions: list[ast.AST] = self.of(*FUNCTIONS, ast.ClassDef)
        return any(map(type_parameters, definitions))

    @cached_property
    def lazy_annotations(self) -> bool:
        """Whether annotations are no code here, as the file says at its top."""
        futures = (s for s in self.root.body if isinstance(s, ast.ImportFrom) and s.module == "__future__")
        return any(alias.name == "annotations" for s in futures for alias in s.names)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below, in the order of their fields; not the markers, such as `Load` and `Add`."""
    found: list[ast.AST] = []
    for name in _INNER[type(node)]:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [v for v in value if isinstance(v, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, outer ones first, as `ast.walk` gives them but for the markers."""
    found = [node]
    for one in found:
        yield one
        found += children(one)


def _evaluates(scope: ast.AST, child: ast.AST) -> bool:
    """Whether a definition or comprehension evaluates that child in its own scope, not in the one around it."""
    if isinstance(scope, ast.Lambda):
        return child is scope.body
    return isinstance(scope, Comprehension) or isinstance(child, ast.stmt)


def parameters(node: Callable_) -> tuple[str, ...]:
    """The parameter names of a function or lambda, in signature order."""
    a = node.args
    named = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]
    return tuple(p.arg for p in named)


def bound_in(statements: Iterable[ast.stmt]) -> frozenset[str]:
    """The names that a body binds, but for those bound in functions and classes in it."""
    return frozenset(name for statement in statements for name in bound_names(statement))


def type_parameters(node: ast.AST) -> frozenset[str]:
    """The names of the type parameters of a function, class or type alias, since Python 3.12 (PEP 695)."""
    return frozenset(p.name for p in getattr(node, "type_params", ()))


def is_lazy(node: ast.AST) -> bool:
    """Whether it is an import that loads its module at the first use of its name, since Python 3.15 (PEP 810)."""
    return bool(getattr(node, "is_lazy", False))


def bound_name(node: ast.AST) -> str | None:
    """The name that a node itself binds or deletes, if it does."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, (ast.Store, ast.Del)) else None
    if isinstance(node, ast.alias):
        return (node.asname or node.name).split(".")[0]
    if isinstance(node, ast.MatchMapping):
        return node.rest
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return node.name
    return None


def bound_names(target: ast.AST) -> Iterator[str]:
    """The names that a statement, pattern or target binds in its own scope, nested scopes left out."""
    pending: list[ast.AST] = [target]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from filter(None, map(bound_name, node.names))
            continue
        if name := bound_name(node):
            yield name
        if isinstance(node, Comprehension):
            yield from (n.target.id for n in walk(node) if isinstance(n, ast.NamedExpr))
        elif not isinstance(node, (*CALLABLES, ast.ClassDef)):
            pending += children(node)


def block_of(parent: ast.AST, statement: ast.AST) -> list[ast.stmt]:
    """The block of `parent` that a statement stands in, with all its statements; empty where it stands in none."""
    blocks = (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
    return next((block for block in blocks if isinstance(block, list) and statement in block), [])


def is_none(node: ast.AST) -> bool:
    """Whether an expression is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a constant and nothing else, as docstrings are."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def attribute_declared(statement: ast.AST) -> str:
    """The name that an assignment in the body of a class gives its value, where it gives it to a name first."""
    if isinstance(statement, ast.AnnAssign):
        target: ast.AST = statement.target
    elif isinstance(statement, ast.Assign):
        target = statement.targets[0]
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""
