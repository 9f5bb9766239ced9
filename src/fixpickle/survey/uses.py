"""What is done with a function at the places that name it, where that forbids another function in its place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from fixpickle.survey.demands import Demand, Need, Obstacle
from fixpickle.survey.facts import Asked, AskedKept, Sink, ToAttribute, ToCall
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Callable_, Tree, parameters, walk

# What is another's once a function has another name, and what is not there, or of its own, where it is none any more.
_RENAMED = frozenset(["__qualname__", "__code__", "__closure__", "__dict__"])
_OF_FUNCTIONS = frozenset(
    ["__annotations__", "__defaults__", "__kwdefaults__", "__globals__", "__wrapped__", "__get__"],
)
_LOOKS = frozenset(["__doc__", "__module__"])
_NAMES = frozenset(["__name__", "__qualname__"])
_MORE = (_RENAMED | _OF_FUNCTIONS) - _NAMES
_ASKED_FOR = _RENAMED | _OF_FUNCTIONS | _LOOKS | {"__name__"}
_COPIERS = frozenset({"functools.wraps", "functools.update_wrapper"})
_READERS = frozenset({"builtins.getattr", "builtins.hasattr"})
_SETTERS = frozenset({"builtins.setattr", "builtins.delattr"})
_KINDS = frozenset({"builtins.isinstance", "builtins.type", "builtins.vars", "builtins.dir"})
_BINDING = frozenset({"builtins.setattr", "builtins.type"})
_ANSWERED = frozenset(
    {
        *("inspect.signature", "inspect.isclass", "inspect.ismodule", "inspect.ismethod", "inspect.isbuiltin"),
        *("inspect.isgeneratorfunction", "inspect.iscoroutinefunction", "inspect.isasyncgenfunction"),
        *("inspect.isgenerator", "inspect.iscoroutine", "inspect.isasyncgen", "inspect.isawaitable"),
        *("functools.partial", "functools.partialmethod", "functools.reduce", "functools.cmp_to_key"),
    }
)
"""What is told of a partial, or of an object that is called, as of the function. Source: the code of `inspect`."""

_SIGNATURES = frozenset({"inspect.signature", "inspect.Signature.from_callable", "inspect.getfullargspec"})
_CACHES = frozenset({"joblib.Memory().cache", "joblib.memory.Memory().cache"})


class Uses:
    """Reads what the code of one file does with functions, where it names them."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree, self.names = tree, names

    def told_apart(self, uses: Iterable[ast.expr], sinks: Iterable[Sink]) -> bool:
        """Whether the function of one call is told from that of another: by attributes, comparison or as a key."""
        for use in uses:
            parent = self.tree.parents[use]
            if self._own(use) or _compares(parent) or _is_key(parent, use):
                return True
        return any(isinstance(s, ToAttribute) and (s.cls, s.attribute) in self._attributes_set for s in sinks)

    def _own(self, use: ast.expr) -> bool:
        """Whether an attribute of the function is set here."""
        parent = self.tree.parents[use]
        if isinstance(parent, ast.Attribute):
            return isinstance(parent.ctx, (ast.Store, ast.Del))
        return isinstance(parent, ast.Call) and parent.args[:1] == [use] and self.names.of(parent.func) in _SETTERS

    def of(self, name: str, uses: Iterable[ast.expr], captures: bool, replaced: bool) -> Iterator[Obstacle]:
        """The reasons in what is done with the function `name` at the places that read it.

        It is `replaced` where something else than a function would stand for it: it captures, or is told apart.
        """
        for use in uses:
            parent = self.tree.parents[use]
            if isinstance(parent, ast.Attribute):
                yield from self._attribute(name, parent, replaced)
            elif self._own(use):
                yield Demand(Need.STATE, f"attributes are set on it at line {use.lineno}, afresh at every call")
            elif _is_key(parent, use) and not captures:
                why = f"it is a key or a member of a set at line {use.lineno}, where two calls made two of them"
                yield Demand(Need.IDENTITY, why)
            elif isinstance(parent, ast.Call) and use in parent.args:
                yield from self._handed(name, parent, replaced)
            elif _compares(parent) and not captures:
                why = f"it is compared at line {use.lineno}, and every call of the function around it made another one"
                yield Demand(Need.IDENTITY, why)

    def _attribute(self, name: str, parent: ast.Attribute, replaced: bool) -> Iterator[Obstacle]:
        if isinstance(parent.ctx, (ast.Store, ast.Del)):
            why = f"attributes are set on it (`{name}.{parent.attr}`), afresh at every call"
            of_functions = parent.attr in _RENAMED | _OF_FUNCTIONS | {"__module__"}
            yield why if of_functions else Demand(Need.STATE, why)
        else:
            yield from _read(parent.attr, f"`{name}.{parent.attr}` is read", replaced)

    def _handed(self, name: str, call: ast.Call, replaced: bool) -> Iterator[Obstacle]:
        callee = self.names.of(call.func)
        if callee.startswith("inspect."):
            yield f"it is handed to `{ast.unparse(call.func)}`, which tells one function from another"
        elif callee in _COPIERS:
            yield f"`{ast.unparse(call.func)}` copies its name and attributes"
        elif callee in _READERS and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
            attribute = str(call.args[1].value)
            yield from _read(attribute, f"`{name}.{attribute}` is read", replaced)
        elif callee in _KINDS and replaced:
            yield f"`{ast.unparse(call)}` would see another type"

    def of_sinks(self, sinks: Iterable[Sink], replaced: bool) -> Iterator[Obstacle]:
        """The reasons in where a function goes."""
        for sink in sinks:
            if isinstance(sink, ToAttribute):
                yield from self._in_attribute(sink, replaced)
            elif isinstance(sink, ToCall) and sink.callee in _BINDING and sink.position and replaced:
                name = sink.callee.rpartition(".")[2]
                why = f"it is handed to `{name}` at line {sink.line}, where a partial would not bind as a method"
                yield Demand(Need.METHOD, why)
            elif isinstance(sink, ToCall) and sink.callee in _CACHES:
                yield f"the cache at line {sink.line} keeps results under its name and source"

    def _in_attribute(self, sink: ToAttribute, replaced: bool) -> Iterator[Obstacle]:
        names = self._introspected if sink.attribute == "?" else [sink.attribute]
        for node in (node for name in names for node in self._introspected.get(name, ())):
            why = f"`{node.attr}` of what is kept in `{sink.attribute}` is read at line {node.lineno}"
            yield from _read(node.attr, why, replaced)
        if line := self._attributes_set.get((sink.cls, sink.attribute)):
            yield Demand(Need.STATE, f"attributes of what is kept in `{sink.attribute}` are set at line {line}")

    @cached_property
    def _introspected(self) -> dict[str, list[ast.Attribute]]:
        """Where the file reads, of the value of an attribute, what may differ; by that attribute."""
        found: dict[str, list[ast.Attribute]] = {}
        for node in self.tree.of(ast.Attribute):
            if isinstance(node.value, ast.Attribute) and node.attr in _ASKED_FOR:
                found.setdefault(node.value.attr, []).append(node)
        return found

    @cached_property
    def _attributes_set(self) -> dict[tuple[str, str], int]:
        """The attributes of a class whose values its methods set attributes of, each with the first line that does."""
        found: dict[tuple[str, str], int] = {}
        for node in self.tree.of(ast.Attribute):
            kept = node.value
            if isinstance(node.ctx, ast.Load) or not isinstance(kept, ast.Attribute):
                continue
            cls = self.tree.class_around(node)
            if cls is not None and isinstance(kept.value, ast.Name) and kept.value.id == "self":
                found.setdefault((self.tree.qualname(cls), kept.attr), node.lineno)
        return found

    def as_method(self, node: Callable_, places: Iterable[ast.AST]) -> Iterator[Demand]:
        """Where a value may become a method, a partial cannot stand for a function: it does not bind."""
        for place in places:
            if parameters(node)[:1] in (("self",), ("cls",)):
                why = "it takes `self` or `cls` first, so it may become a method, where a partial would not bind"
                yield Demand(Need.METHOD, why)
            parent = self.tree.parents[place]
            called = isinstance(parent, ast.Call) and parent.func is place
            if isinstance(self.tree.scope(place), ast.ClassDef) and not called:
                yield Demand(Need.METHOD, "it stands in a class body, where a partial would not bind as a method")
            for target in parent.targets if isinstance(parent, ast.Assign) else ():
                if isinstance(target, ast.Attribute) and self.names.instance_class(target.value) is None:
                    why = f"it is set as `{ast.unparse(target)}`, where a partial would not bind as a method"
                    yield Demand(Need.METHOD, why)


def _read(attribute: str, why: str, replaced: bool) -> Iterator[Obstacle]:
    """The reason in that an attribute of a function is read."""
    if attribute == "__name__":
        yield Demand(Need.NAME, why)
    elif attribute in _RENAMED or (attribute in _OF_FUNCTIONS and replaced):
        yield why
    elif attribute in _LOOKS and replaced:
        yield Demand(Need.LOOKS, why)


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


def asked_of_functions(tree: Tree, names: Names) -> Asked:
    """What the file reads of variables, which may be functions handed in; of a class the variable is `cls`."""
    read = list(_read_of_variables(tree))
    named = [node.lineno for node, attribute in read if attribute in ("__name__", "__qualname__")]
    more = [node.lineno for node, attribute in read if attribute in _RENAMED | _OF_FUNCTIONS]
    for call in tree.of(ast.Call) if named else ():
        given = any(isinstance(argument, ast.Name) for argument in call.args)
        callee = names.of(call.func) if given else ""
        if callee.startswith(("inspect.", "functools.")) and callee not in _ANSWERED:
            more.append(call.lineno)
    return Asked(
        min(named, default=0),
        min(more, default=0),
        tuple(_asked_of_kept(tree, names)),
        min(_signatures_asked(tree, names), default=0),
    )


def _signatures_asked(tree: Tree, names: Names) -> Iterator[int]:
    """The lines that ask for the signature of a variable, which has the defaults in it."""
    for call in tree.of(ast.Call) if "inspect" in tree.text else ():
        given = call.args[0] if call.args else None
        if isinstance(given, (ast.Name, ast.Attribute)) and names.of(call.func) in _SIGNATURES:
            yield call.lineno


def _asked_of_kept(tree: Tree, names: Names) -> Iterator[AskedKept]:
    for node, value, attribute in _attributes_read(tree):
        asked = attribute in _NAMES or attribute in _MORE
        if asked and isinstance(value, ast.Attribute) and value.attr != "__class__":
            cls = names.instance_class(value.value)
            owner = tree.qualname(cls) if cls is not None else ""
            yield AskedKept(value.attr, owner, node.lineno, attribute in _MORE)


def _read_of_variables(tree: Tree) -> Iterator[tuple[ast.expr, str]]:
    """Where an attribute of a variable is read, and which."""
    return ((node, attribute) for node, value, attribute in _attributes_read(tree) if _is_variable(value))


def _attributes_read(tree: Tree) -> Iterator[tuple[ast.expr, ast.expr, str]]:
    """Where an attribute is read, as `f.__name__` or by `getattr`, of what, and which."""
    for node in tree.of(ast.Attribute):
        if isinstance(node.ctx, ast.Load):
            yield node, node.value, node.attr
    for call in tree.of(ast.Call):
        asked = isinstance(call.func, ast.Name) and call.func.id in ("getattr", "hasattr") and len(call.args) > 1
        if asked and isinstance(call.args[1], ast.Constant):
            yield call, call.args[0], str(call.args[1].value)


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in ("self", "cls")


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
    called = any(isinstance(call := tree.parents[p], ast.Call) and call.func is p for p in parents)
    return tuple(dict.fromkeys(reads)) if len(reads) == len(uses) and not called else ()
