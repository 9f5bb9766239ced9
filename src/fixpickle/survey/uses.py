"""What is done with a function at the places that name it, where that forbids another function in its place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from fixpickle.survey.facts import Sink, ToAttribute, ToCall
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Callable_, Tree, parameters, walk

# What is another's once a function has another name, and what a partial has not or has of its own.
_RENAMED = frozenset(["__name__", "__qualname__", "__code__", "__closure__", "__dict__"])
_PARTIAL = frozenset(
    [
        "__doc__",
        "__module__",
        "__annotations__",
        "__defaults__",
        "__kwdefaults__",
        "__globals__",
        "__wrapped__",
        "__get__",
    ]
)
_COPIERS = frozenset({"functools.wraps", "functools.update_wrapper"})
_READERS = frozenset({"builtins.getattr", "builtins.hasattr"})
_KINDS = frozenset({"builtins.isinstance", "builtins.type"})
_BINDING = frozenset({"builtins.setattr", "builtins.type"})
_CACHES = frozenset({"joblib.Memory().cache", "joblib.memory.Memory().cache"})


class Uses:
    """Reads what the code of one file does with functions, where it names them."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree, self.names = tree, names

    def of(self, name: str, uses: Iterable[ast.expr], captures: bool) -> Iterator[str]:
        """The reasons in what is done with the function `name` at the places that read it."""
        for use in uses:
            parent = self.tree.parents[use]
            if isinstance(parent, ast.Attribute):
                if isinstance(parent.ctx, (ast.Store, ast.Del)):
                    yield f"attributes are set on it (`{name}.{parent.attr}`), afresh at every call"
                elif parent.attr in _RENAMED or (captures and parent.attr in _PARTIAL):
                    yield f"`{name}.{parent.attr}` is read"
            elif _is_key(parent, use) and not captures:
                yield f"it is a key or a member of a set at line {use.lineno}, where two calls made two of them"
            elif isinstance(parent, ast.Call) and use in parent.args:
                yield from self._handed(name, parent, captures)
            elif _compares(parent) and not captures:
                yield f"it is compared at line {use.lineno}, and every call of the function around it made another one"

    def _handed(self, name: str, call: ast.Call, captures: bool) -> Iterator[str]:
        callee = self.names.of(call.func)
        if callee.startswith("inspect."):
            yield f"it is handed to `{ast.unparse(call.func)}`, which tells one function from another"
        elif callee in _COPIERS:
            yield f"`{ast.unparse(call.func)}` copies its name and attributes"
        elif callee in _READERS and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
            if call.args[1].value in (_RENAMED | _PARTIAL if captures else _RENAMED):
                yield f"`{name}.{call.args[1].value}` is read"
        elif callee in _KINDS and captures:
            yield f"`{ast.unparse(call)}` would see a partial"

    def of_sinks(self, sinks: Iterable[Sink], captures: bool) -> Iterator[str]:
        """The reasons in where a function goes."""
        for sink in sinks:
            if isinstance(sink, ToAttribute):
                yield from self._in_attribute(sink.attribute, captures)
            elif isinstance(sink, ToCall) and sink.callee in _BINDING and captures:
                name = sink.callee.rpartition(".")[2]
                yield f"it is handed to `{name}` at line {sink.line}, where a partial would not bind as a method"
            elif isinstance(sink, ToCall) and sink.callee in _CACHES:
                yield f"the cache at line {sink.line} keeps results under its name and source"

    def _in_attribute(self, attribute: str, captures: bool) -> Iterator[str]:
        for node in self._introspected.get(attribute, ()):
            if node.attr in _RENAMED or captures:
                yield f"`{node.attr}` of what is kept in `{attribute}` is read at line {node.lineno}"

    @cached_property
    def _introspected(self) -> dict[str, list[ast.Attribute]]:
        """Where the file reads, of the value of an attribute, what may differ; by that attribute."""
        found: dict[str, list[ast.Attribute]] = {}
        looked_at = _RENAMED | _PARTIAL
        for node in self.tree.of(ast.Attribute):
            if isinstance(node.value, ast.Attribute) and node.attr in looked_at:
                found.setdefault(node.value.attr, []).append(node)
        return found

    def as_method(self, node: Callable_, places: Iterable[ast.AST]) -> Iterator[str]:
        """Where a value may become a method, a partial cannot stand for a function: it does not bind."""
        for place in places:
            if parameters(node)[:1] in (("self",), ("cls",)):
                yield "it takes `self` or `cls` first, so it may become a method, where a partial would not bind"
            parent = self.tree.parents[place]
            called = isinstance(parent, ast.Call) and parent.func is place
            if isinstance(self.tree.scope(place), ast.ClassDef) and not called:
                yield "it stands in a class body, where a partial would not bind as a method"
            for target in parent.targets if isinstance(parent, ast.Assign) else ():
                if isinstance(target, ast.Attribute) and self.names.instance_class(target.value) is None:
                    yield f"it is set as `{ast.unparse(target)}`, where a partial would not bind as a method"


def _compares(node: ast.AST) -> bool:
    """Whether a comparison tells one function from another: to be none, or not none, they are all alike."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    return not any(isinstance(s, ast.Constant) for s in sides)


def _is_key(parent: ast.AST, use: ast.AST) -> bool:
    """Whether a value is told from others by its identity in a container that outlives one evaluation."""
    if isinstance(parent, (ast.SetComp, ast.DictComp)):
        return use is getattr(parent, "elt", None) or use is getattr(parent, "key", None)
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Attribute) and parent.func.attr in ("add", "discard") and use in parent.args
    return isinstance(parent, ast.Subscript) and parent.slice is use and isinstance(parent.ctx, ast.Store)


def names_read(tree: Tree) -> Iterator[int]:
    """The lines that read `__name__` of a variable, which may be a function handed in; of a class it is `cls`."""
    for node in tree.of(ast.Attribute):
        if node.attr in ("__name__", "__qualname__"):
            given = isinstance(node.value, ast.Name) and node.value.id not in ("self", "cls")
            if given and isinstance(node.ctx, ast.Load):
                yield node.lineno


def changed_in_place(node: Callable_, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the captured names whose values a function changes in place."""
    wanted = set(names)
    found = dict.fromkeys(_base(target) for inner in walk(node) for target in _changed(inner))
    return tuple(name for name in found if name in wanted)


_CHANGERS = frozenset(
    {
        *("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear"),
        *("appendleft", "extendleft", "popleft", "sort", "reverse"),
    }
)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """What a node changes in place, `values[0]` in `values[0].append(x)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGERS:
        yield node.func.value
    elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.value


def _base(node: ast.AST) -> str:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def fields_read(tree: Tree, node: Callable_) -> tuple[str, ...]:
    """The attributes of a captured `self` that a function reads, where it does nothing else with `self`."""
    uses = [n for n in walk(node) if isinstance(n, ast.Name) and n.id == "self"]
    parents = [tree.parents[use] for use in uses]
    reads = [p.attr for p in parents if isinstance(p, ast.Attribute) and isinstance(p.ctx, ast.Load)]
    called = any(isinstance(tree.parents[p], ast.Call) and tree.parents[p].func is p for p in parents)  # type: ignore[attr-defined]
    return tuple(dict.fromkeys(reads)) if len(reads) == len(uses) and not called else ()
