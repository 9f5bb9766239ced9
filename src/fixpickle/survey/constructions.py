"""Locks, queues and their kin, and iterators of itertools: where each is made, what keeps it, and what would notice
another one in its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixpickle.survey.facts import (
    Construction,
    Home,
    Reference,
    Sink,
    ToAttribute,
    ToCall,
    ToGlobal,
    ToParameter,
    ToReturn,
    changed,
)
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.stores import FIELDS
from fixpickle.survey.guards import guarded
from fixpickle.survey.names import Names
from fixpickle.survey.outside import set_outside
from fixpickle.survey.tree import FUNCTIONS, Tree, attribute_declared, walk

PRIMITIVES = frozenset(
    [
        "_thread.RLock",
        "_thread.allocate_lock",
        "_thread.allocate",
        "threading.Lock",
        "threading.RLock",
        "threading.Condition",
        "threading.Event",
        "threading.Semaphore",
        "threading.BoundedSemaphore",
        "threading.Barrier",
        "threading.local",
        "_thread._local",
        "queue.Queue",
        "queue.LifoQueue",
        "queue.PriorityQueue",
        "queue.SimpleQueue",
        "_queue.SimpleQueue",
    ]
)
PROCESS_LOCKS = frozenset(
    f"{maker}.{kind}" for maker in ("multiprocessing", "torch.multiprocessing") for kind in ("Lock", "RLock")
)
"""Locks that reach other processes by inheritance alone, and so go into no pickle."""

ITERATORS = frozenset({"itertools.count", "itertools.cycle", "itertools.repeat"})
"""Iterators that pickle up to Python 3.13, and can be told to go on from where they stand."""

LOCK_TYPE = "_thread.LockType"
"""What every way to name the type of a plain lock is called: `type(threading.Lock())` is one."""

_LOCKS = frozenset({"_thread.allocate_lock", "_thread.allocate", "threading.Lock", LOCK_TYPE, "_thread.lock"})
_LOCK_VALUES = frozenset(f"{symbol}()" for symbol in _LOCKS)
_REPLACED = frozenset(symbol.rpartition(".")[2] for symbol in PRIMITIVES | ITERATORS) | {
    *("threading", "queue", "_thread", "itertools"),
}
_GOING_THROUGH = frozenset(
    [
        *("list", "tuple", "set", "frozenset", "dict", "zip", "map", "filter", "enumerate", "iter", "sorted"),
        *("min", "max", "sum", "any", "all"),
    ]
)
_END = 4  # letters that rule most strings out
_ENDS = frozenset(name[-_END:] for name in _REPLACED)
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_FACTORIES = frozenset({"attr.Factory", "attrs.Factory", "collections.defaultdict"})
_DATACLASSES = frozenset({"dataclasses.dataclass", "attr.s", "attr.define", "attr.dataclass", "attrs.define"})
_SETTERS = frozenset({"builtins.object.__setattr__", "builtins.setattr"})

_Name = ast.Name | ast.Attribute


def constructions(tree: Tree, names: Names, flow: Flow) -> Iterator[Construction]:
    """Every place that makes one of them, or hands its constructor to what makes one for each instance."""
    locks = PRIMITIVES | PROCESS_LOCKS
    found: list[_Name] = tree.of(ast.Name, ast.Attribute) if names.may_mean(locks) else _of_itertools(tree, names)
    for node in found:
        symbol = names.of(node) if isinstance(node.ctx, ast.Load) else ""
        if symbol in locks | ITERATORS and not isinstance(tree.parents[node], ast.Attribute):
            made = _construction(tree, names, flow, node, symbol)
            if made is not None and _of_module(flow, names, node):
                yield made


def _of_itertools(tree: Tree, names: Names) -> list[_Name]:
    """The names that may mean one of `itertools`, found without a look at every other: most files have `.count`."""
    taken = {i.local for i in names.imports if i.target.partition(".")[0] == "itertools"}
    if not taken:
        return []
    words = (symbol.rpartition(".")[2] for symbol in ITERATORS)
    found: list[_Name] = [attribute for word in words for attribute in tree.attributes(word)]
    return tree.ordered([*found, *(n for n in tree.of(ast.Name) if n.id in taken)])


def _of_module(flow: Flow, names: Names, node: ast.expr) -> bool:
    """Whether the name comes from an import or from the module: one given to a function is the caller's choice."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Name):
        return False
    scope = flow.variables.owner(node, node.id)
    values = names.bindings.get(scope, {}).get(node.id, [])
    if len(values) == 1 and isinstance(values[0], (ast.Name, ast.Attribute)) and isinstance(scope, FUNCTIONS):
        return _of_module(flow, names, values[0])
    return isinstance(scope, ast.Module) or any(isinstance(v, (ast.Import, ast.ImportFrom)) for v in values)


def _construction(tree: Tree, names: Names, flow: Flow, node: _Name, symbol: str) -> Construction | None:
    parent = tree.parents[node]
    if isinstance(parent, ast.ClassDef) and node in parent.bases:
        return _inherited(tree, node, parent, symbol)
    called = isinstance(parent, ast.Call) and parent.func is node
    chosen = None if called else _chosen(tree, flow, node) or _chosen_by_class(tree, names, node)
    if not called and chosen is None and not _is_factory(tree, names, node):
        return None
    value = _bound_next(tree, parent) if called else node
    if called and symbol in ITERATORS and _gone_through(tree, names, flow, value):
        return None
    sinks = _through(tree, names, flow, value) if chosen is None else [s for c in chosen for s in flow.of(c)]
    home, cls, attribute = _home(tree, names, flow, value, sinks)
    if symbol in ITERATORS and home is Home.OTHER and not sinks:
        return None
    owner = tree.function(node)
    span = tree.span(node)
    return Construction(
        target=symbol,
        span=span,
        home=home,
        cls=cls,
        attribute=attribute,
        owner=tree.qualname(owner) if owner is not None else "",
        code=ast.unparse(value) if called else f"{ast.unparse(value)}()",
        called=called,
        line=span.line,
        guards=guarded(tree, names, cls, attribute) if attribute else "",
        sinks=tuple(s for s in sinks if isinstance(s, (ToCall, ToReturn))) if called else (),
        cached=isinstance(owner, FUNCTIONS) and any(not _plain(names, d) for d in owner.decorator_list),
    )


def _bound_next(tree: Tree, call: ast.AST) -> ast.AST:
    """What is kept of a counter: `itertools.count().__next__` carries it along, as every bound method does."""
    parent = tree.parents[call]
    return parent if isinstance(parent, ast.Attribute) and parent.attr == "__next__" else call


def _gone_through(tree: Tree, names: Names, flow: Flow, value: ast.AST) -> bool:
    """Whether it is handed to `zip`, `list` or the like, by itself or by the variable that it is: they take its items.

    What goes on from there may be a list of them, or the like, and no iterator of `itertools` any more.
    """
    statement = tree.parents[value]
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    scope = tree.scope(value)
    uses = flow.variables.loads(scope, target.id) if isinstance(target, ast.Name) else []
    for use in (value, *uses):
        call = tree.parents[use]
        if isinstance(call, ast.Call) and use in call.args:
            module, _, name = names.of(call.func).partition(".")
            if module in ("collections", "itertools") or (module == "builtins" and name in _GOING_THROUGH):
                return True
    return False


def _inherited(tree: Tree, node: _Name, cls: ast.ClassDef, symbol: str) -> Construction | None:
    span, name = tree.span(node), tree.qualname(cls)
    if symbol.endswith("SimpleQueue") or symbol in ITERATORS or cls.keywords:
        return None  # what calls the C methods by name would pass the counterpart's items by
    return Construction(symbol, span, Home.BASE, name, "", "", f"{name}()", False, span.line, "")


def _plain(names: Names, decorator: ast.expr) -> bool:
    """Whether a function that is decorated so still returns what its body returns, made anew by each call."""
    return names.of(decorator) in ("builtins.staticmethod", "builtins.classmethod", "builtins.property")


def _is_factory(tree: Tree, names: Names, node: ast.AST) -> bool:
    """Whether the name is handed on to be called later: `defaultdict(Lock)`, `field(default_factory=Lock)`."""
    parent = tree.parents[node]
    if isinstance(parent, ast.keyword):
        return parent.arg in ("default_factory", "factory")
    return isinstance(parent, ast.Call) and node in parent.args[:1] and names.of(parent.func) in _FACTORIES


def _chosen(tree: Tree, flow: Flow, node: ast.AST) -> list[ast.Call] | None:
    """The calls of the parameter whose default the name is, where the function does nothing but call it.

    `lock_class=Lock` leaves the choice to the caller; what the function makes without one is its own affair.
    """
    arguments = tree.parents[node]
    function = tree.parents[arguments] if isinstance(arguments, ast.arguments) else None
    if not isinstance(function, FUNCTIONS) or not isinstance(arguments, ast.arguments):
        return None
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    name = next((a.arg for a, d in pairs if d is node), "")
    uses = flow.variables.loads(function, name)
    calls = [p for use in uses if isinstance(p := tree.parents[use], ast.Call) and p.func is use]
    return calls if calls and len(calls) == len(uses) else None


def _chosen_by_class(tree: Tree, names: Names, node: ast.AST) -> list[ast.Call] | None:
    """The calls of the class attribute that the name is assigned to, where methods of `self` do nothing but call it.

    `lock_class = Lock` leaves the choice to subclasses; what the class makes without one is its own affair.
    """
    statement = tree.parents[node]
    cls = tree.parents.get(statement)
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(cls, ast.ClassDef) or not isinstance(target, ast.Name):
        return None
    reads = [a for a in tree.attributes(target.id) if isinstance(a.ctx, ast.Load)]
    own = [a for a in reads if (owner := names.instance_class(a.value)) is None or _is_below(tree, names, owner, cls)]
    calls = [p for read in own if isinstance(p := tree.parents[read], ast.Call) and p.func is read]
    known = all(names.instance_class(read.value) is not None for read in own)
    return calls if calls and known and len(calls) == len(own) else None


def _is_below(tree: Tree, names: Names, cls: ast.ClassDef, base: ast.ClassDef) -> bool:
    symbol = f"{names.module}.{tree.qualname(base)}"
    return cls is base or any(names.of_base(b) == symbol for b in cls.bases)


# --- what keeps it --------------------------------------------------------------------------------------------------


def _home(tree: Tree, names: Names, flow: Flow, value: ast.AST, sinks: list[Sink]) -> tuple[Home, str, str]:
    for kept in (_class_field, _set_by_call, _by_method, set_outside):
        if (field := kept(tree, names, value)) is not None:
            return Home.INSTANCE, *field
    for sink in sinks:
        if isinstance(sink, ToAttribute):
            return Home.INSTANCE, sink.cls, sink.attribute
    for sink in sinks:
        if isinstance(sink, ToGlobal):
            return Home.GLOBAL, "", sink.name
    own = _class_attribute(tree, value)
    if own is not None:
        return Home.GLOBAL, *own
    name = _captured_local(tree, flow, value)
    return (Home.CLOSURE, "", name) if name else (Home.OTHER, "", "")


def _through(tree: Tree, names: Names, flow: Flow, value: ast.AST) -> list[Sink]:
    """The value's sinks, those of a Condition built on it, and those of a parameter whose default it is."""
    found = list(sinks := flow.of(value))
    for at, sink in enumerate(sinks):
        if isinstance(sink, ToCall) and sink.callee == "threading.Condition":
            found += sink.onward
        elif isinstance(sink, ToCall) and sink.callee == "builtins.super().__init__":
            cls = tree.class_around(value)
            if cls is not None and cls.bases:
                found[at] = changed(sink, callee=f"{names.of_base(cls.bases[0])}.__init__")
        elif isinstance(sink, ToParameter):
            function = next(n for n in tree.of(*FUNCTIONS) if tree.qualname(n) == sink.function)
            found += flow.of_name(function, sink.parameter)
    return found


def _class_field(tree: Tree, names: Names, value: ast.AST) -> tuple[str, str] | None:
    """The class and field of `x: Lock = field(default_factory=Lock)`, of attrs' spellings, and of a plain default."""
    statement = tree.statement(value)
    cls, name = tree.parents[statement], attribute_declared(statement)
    if not isinstance(cls, ast.ClassDef) or not name:
        return None
    default = isinstance(statement, ast.AnnAssign) and statement.value is value
    stored = default and any(names.of(d).removesuffix("()") in _DATACLASSES for d in cls.decorator_list)
    calls = [a for a in tree.ancestors(value) if isinstance(a, ast.Call)]
    declared = any(names.of(c.func) in FIELDS for c in calls if tree.statement(c) is statement)
    return (tree.qualname(cls), name) if stored or declared else None


def _set_by_call(tree: Tree, names: Names, value: ast.AST) -> tuple[str, str] | None:
    """The class and attribute of `object.__setattr__(self, "lock", Lock())`, as frozen dataclasses write it."""
    call = tree.parents[value]
    if not isinstance(call, ast.Call) or names.of(call.func) not in _SETTERS or len(call.args) != 3:
        return None
    owner, name = names.instance_class(call.args[0]), _constant(call.args[1])
    return (tree.qualname(owner), name) if owner is not None and name else None


def _by_method(tree: Tree, names: Names, value: ast.AST) -> tuple[str, str] | None:
    """The class and attribute that the result of a method is kept in: a `cached_property`, or `@x.default` of attrs."""
    returned, function = tree.parents[value], tree.function(value)
    cls = tree.method_class(function)
    if not isinstance(returned, ast.Return) or not isinstance(function, FUNCTIONS) or cls is None:
        return None
    for decorator in function.decorator_list:
        if names.of(decorator).rpartition(".")[2] == "cached_property":
            return tree.qualname(cls), function.name
        if isinstance(decorator, ast.Attribute) and decorator.attr == "default" and _is_field(names, decorator.value):
            return tree.qualname(cls), ast.unparse(decorator.value)
    return None


def _is_field(names: Names, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and names.of(node).removesuffix("()") in FIELDS


def _class_attribute(tree: Tree, value: ast.AST) -> tuple[str, str] | None:
    """The class and name of `lock = Lock()` in a class body: it travels with a class that is shipped by value."""
    statement = tree.statement(value)
    cls = tree.parents[statement]
    if not isinstance(cls, ast.ClassDef) or not isinstance(statement, ast.Assign) or statement.value is not value:
        return None
    target = statement.targets[0]
    return (tree.qualname(cls), target.id) if isinstance(target, ast.Name) else None


def _captured_local(tree: Tree, flow: Flow, value: ast.AST) -> str:
    statement = tree.statement(value)
    if not isinstance(statement, ast.Assign) or statement.value is not value:
        return ""
    target = statement.targets[0]
    scope = tree.scope(statement)
    if not isinstance(target, ast.Name) or not isinstance(scope, FUNCTIONS):
        return ""
    return target.id if any(tree.function(use) is not scope for use in flow.variables.loads(scope, target.id)) else ""


# --- what would notice ----------------------------------------------------------------------------------------------


def witnesses(tree: Tree, names: Names) -> Iterator[Reference]:
    """Places that would see another lock in the place of the original: tests of its type, and strings that patch it."""
    constants = tree.of(ast.Constant)
    strings = [n for n in constants if type(n.value) is str and n.value[-_END:] in _ENDS]
    strings = [n for n in strings if _constant(n).rpartition(".")[2] in _REPLACED]
    around = (tree.parents[n] for n in strings)
    patching = (c for c in around if isinstance(c, ast.Call) and c.args[1:] and _constant(c.args[1]) in _REPLACED)
    calls = [n for n in tree.of(ast.Call) if n.args] if names.may_mean(_LOCKS) else dict.fromkeys(patching)
    attributes = [*tree.attributes("__class__"), *tree.attributes("LockType")]
    variables = [n for n in tree.of(ast.Name) if n.id == "LockType"]
    for node in tree.ordered([*strings, *calls, *attributes, *variables]):
        if isinstance(node, ast.Constant):
            if _DOTTED.fullmatch(_constant(node)):
                yield Reference(_constant(node), tree.span(node), False, "")
        elif isinstance(node, ast.Call):
            yield from _witness_call(tree, names, node)
        elif isinstance(node, ast.Attribute) and node.attr == "__class__":
            if names.of(node.value) in _LOCK_VALUES:
                yield Reference(LOCK_TYPE, tree.span(node), False, "")
        elif names.of(node) == LOCK_TYPE:
            yield Reference(LOCK_TYPE, tree.span(node), False, "")


def _witness_call(tree: Tree, names: Names, call: ast.Call) -> Iterator[Reference]:
    callee, arguments = names.of(call.func), call.args
    if callee == "builtins.type" and len(arguments) == 1 and names.of(arguments[0]) in _LOCK_VALUES:
        yield Reference(LOCK_TYPE, tree.span(call), False, "")
    elif callee == "builtins.isinstance" and len(arguments) == 2:
        tested = [n for n in walk(arguments[1]) if isinstance(n, (ast.Name, ast.Attribute))]
        if any(names.of(n) in _LOCKS for n in tested):
            yield Reference(LOCK_TYPE, tree.span(call), False, "")
    elif len(arguments) >= 2 and (name := _constant(arguments[1])) in _REPLACED and (owner := names.of(arguments[0])):
        # patch.object(module, "Lock"), monkeypatch.setattr(module, "Lock", fake)
        yield Reference(f"{owner}.{name}", tree.span(call), False, "")


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
