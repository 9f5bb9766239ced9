"""Lambdas, and definitions inside functions: what each captures, where it goes, what forbids moving it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from fixpickle.survey.captures import UNKNOWN, Captures
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Capture, Definition, Kind, Sink, ToCall
from fixpickle.survey.flow import CARRIERS, Flow
from fixpickle.survey.names import Names
from fixpickle.survey.obstacles import Obstacles
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Tree, parameters


class Definitions:
    """Reads the definitions of one file."""

    def __init__(self, tree: Tree, names: Names, flow: Flow) -> None:
        self.tree, self.names, self.flow = tree, names, flow
        self.captures = Captures(tree)
        self.obstacles = Obstacles(tree, names, flow)

    def all(self) -> Iterator[Definition]:
        """Every definition whose value has no module-level name of its own."""
        for node in self.tree.nodes:
            if isinstance(node, ast.Lambda):
                yield self._lambda(node)
            elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and isinstance(self.tree.scope(node), CALLABLES):
                yield self._named(node)

    def _lambda(self, node: ast.Lambda) -> Definition:
        caught = self.captures.of(node)
        sinks = self.flow.of(node)
        obstacles = [*self.obstacles.of_lambda(node, bool(caught)), *self.obstacles.of_attributes(sinks, bool(caught))]
        return self._definition(Kind.LAMBDA, node, "<lambda>", node.lineno, caught, obstacles, sinks, ())

    def _named(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Definition:
        uses, caught = self.flow.loads(self.tree.scope(node), node.name), self.captures.of(node)
        outside = [u for u in uses if not self.tree.inside(u, node)]
        if isinstance(node, ast.ClassDef):
            kind, sinks = Kind.CLASS, tuple(self._class_sinks(outside))
            obstacles = list(self.obstacles.of_class(node, uses))
        else:
            kind, sinks = Kind.FUNCTION, tuple(s for use in outside for s in self.flow.of(use))
            obstacles = [
                *self.obstacles.of_function(node, uses, bool(caught)),
                *self.obstacles.of_attributes(sinks, bool(caught)),
            ]
        line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        return self._definition(kind, node, node.name, line, caught, obstacles, sinks, uses)

    def _class_sinks(self, uses: Sequence[ast.Name]) -> Iterator[Sink]:
        """Where instances of a class go, and the class itself where it is handed to what pickles it.

        An instance is stored by the name of its class. The class itself is refused where it is handed on otherwise.
        """
        for use in uses:
            call = self.tree.parents[use]
            if isinstance(call, ast.Call) and call.func is use:
                yield from self.flow.of(call)
            else:
                yield from (s for s in self.flow.of(use) if isinstance(s, ToCall) and catalogue().match(s))

    def _definition(
        self,
        kind: Kind,
        node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        name: str,
        line: int,
        caught: tuple[Capture, ...] | None,
        obstacles: list[str],
        sinks: tuple[Sink, ...],
        uses: Sequence[ast.Name],
    ) -> Definition:
        owner, method = self.tree.scope(node), self.tree.function(node)
        cls = self.tree.class_around(node)
        first = parameters(node)[:1] if isinstance(node, CALLABLES) else ()
        return Definition(
            kind=kind,
            span=self.tree.span(node),
            name=name,
            qualname=self.tree.qualname(node),
            line=line,
            owner=self.tree.qualname(method) if method is not None else self.tree.qualname(owner),
            cls=self.tree.qualname(cls) if cls is not None else "",
            hint=self._hint(node),
            statement=self.tree.span(self.tree.top(node)),
            captures=caught or (),
            obstacles=tuple(dict.fromkeys([*obstacles, *([UNKNOWN] if caught is None else [])])),
            sinks=tuple(dict.fromkeys(sinks)),
            uses=tuple(self.tree.span(u) for u in uses),
            variadic=isinstance(node, CALLABLES) and node.args.vararg is not None,
            receiver=bool(first) and first[0] in ("self", "cls"),
            wraps=isinstance(node, ast.AsyncFunctionDef) or decorates(node),
            decorated=tuple(self.names.of(d) for d in getattr(node, "decorator_list", ())),
            replaceable=not isinstance(node, ast.Lambda) and self._replaceable(node, uses),
        )

    def _replaceable(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, uses: Sequence[ast.Name]
    ) -> bool:
        """Whether no use can run before the definition, or would miss the name once that is gone."""
        scope = self.tree.scope(node)
        if self.tree.parents[node] is not scope:
            return False
        start = self.tree.span(node).start
        if any(self.tree.span(use).start < start for use in uses):
            return False
        names = (n for n in ast.walk(scope) if isinstance(n, ast.Name) and n.id == node.name)
        return not any(isinstance(n.ctx, ast.Del) for n in names)

    def _hint(self, node: ast.AST) -> str:
        """The words a person would name it after: the variable, keyword, attribute, key or parameter it is given to."""
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return node.name
        for parent in self.tree.ancestors(node):
            if isinstance(parent, ast.keyword) and parent.arg:
                return parent.arg
            if isinstance(parent, ast.Dict):
                key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), None)
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                    return key.value
            if isinstance(parent, ast.arguments):
                return next((s.parameter for s in self.flow.of(node) if hasattr(s, "parameter")), "default")
            if isinstance(parent, ast.Call) and node is not parent.func and self.names.of(parent.func) not in CARRIERS:
                return _last_word(parent.func) if node in parent.args else "factory"
            if isinstance(parent, (ast.Assign, ast.AnnAssign)):
                target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
                return _last_word(target)
            if isinstance(parent, ast.stmt):
                break
            node = parent
        return "function"


_COPIED = frozenset({"__name__", "__qualname__", "__doc__", "__module__", "__dict__", "__wrapped__", "__signature__"})


def decorates(node: ast.AST) -> bool:
    """Whether a function works as a decorator: it returns a function of its own, or takes one and copies its names."""
    if not isinstance(node, FUNCTIONS):
        return False
    own = {n.name for n in ast.walk(node) if isinstance(n, (*FUNCTIONS, ast.ClassDef)) and n is not node}
    taken = set(parameters(node)) if len(parameters(node)) == 1 else set[str]()
    for inner in (n for statement in node.body for n in ast.walk(statement)):
        if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Name) and inner.value.id in own | taken:
            return True
        copied = isinstance(inner, ast.Attribute) and inner.attr in _COPIED and isinstance(inner.value, ast.Name)
        if copied and inner.value.id in taken:  # type: ignore[attr-defined]
            return True
        if isinstance(inner, ast.Call) and _last_word(inner.func) in ("wraps", "update_wrapper"):
            return True
    return False


def _last_word(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "function"
