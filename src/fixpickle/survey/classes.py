"""What a class says of how its instances are made, kept and pickled."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.containers import hands_all_on
from fixpickle.survey.facts import ClassFacts
from fixpickle.survey.flaws import flaws
from fixpickle.survey.flow.stores import FIELDED
from fixpickle.survey.hooks import refusing, state_hooks, stated
from fixpickle.survey.identities import keyed_by_id
from fixpickle.survey.makings import running, set_later
from fixpickle.survey.names import PROPERTIES, Names
from fixpickle.survey.tree import FUNCTIONS, Tree, bound_in, bound_names, walk
from fixpickle.survey.type_names import feigned, is_mangled

_INSTANCELESS = frozenset({"builtins.staticmethod", "builtins.classmethod"})
_ADDING = frozenset({"append", "appendleft", "add"})
_HOOKS = frozenset(
    [
        "__getstate__",
        "__setstate__",
        "__reduce__",
        "__reduce_ex__",
        "__getnewargs__",
        "__getnewargs_ex__",
        "__deepcopy__",
    ]
)
_ATTRS_SLOTTED = frozenset(
    {"attrs.define", "attr.define", "attrs.frozen", "attr.frozen", "attrs.mutable", "attr.mutable"}
)

_AWAITED = {"__aenter__": "__enter__", "__aiter__": "__iter__", "__anext__": "__next__", "__await__": "__call__"}
"""Hooks that an event loop calls, and what does the same outside of one."""


def classes(tree: Tree, names: Names) -> Iterator[ClassFacts]:
    """The facts of every class of a file, local ones included."""
    keyed = keyed_by_id(tree, names)
    for node in tree.of(ast.ClassDef):
        defined = bound_in(node.body)
        values = names.attribute_values(node)
        kept = sorted({(a, symbol) for a, vs in values.items() for v in vs if (symbol := names.of(v))})
        yield ClassFacts(
            name=tree.qualname(node),
            line=node.lineno,
            bases=tuple(map(names.of_base, node.bases)),
            hooks=tuple(sorted((_HOOKS & defined) - ({"__reduce__"} if hands_all_on(node) else set()))),
            attributes=tuple(kept),
            coroutines=_in_event_loop(node),
            slots=_slots(node),
            shaped=_shaped(node, names),
            guarded="__setattr__" in defined or _frozen(node),
            on_class=any(_sets_on_class(s) for s in node.body),
            state=state_hooks(node),
            parts=tuple(sorted({*_parts(names, values), *_added(tree, names, node)})),
            refusing=refusing(node),
            stated=stated(node),
            keyed_by_id=keyed.get(node, ()),
            set_later=set_later(tree, names, node),
            running=running(tree, names, node),
            apart=any(isinstance(s, FUNCTIONS) and s.name == "__init__" and _apart(s) for s in node.body),
            members=frozenset(defined),
            flaws=flaws(tree, names, node),
            declared=tuple(
                (a, symbol) for a, t in names.declared(node).items() if (symbol := names.annotated(t, node))
            ),
            methods=frozenset(s.name for s in node.body if isinstance(s, FUNCTIONS)),
            properties=_decorated(names, node, PROPERTIES),
            instanceless=_decorated(names, node, _INSTANCELESS),
            served=_decorated(names, node, catalogue().serving_decorators),
            feigned=feigned(tree, node),
            record=_record(names, node),
            mangled=tree.span(node) if is_mangled(tree, node) and "__qualname__" not in defined else None,
        )


def _parts(names: Names, values: Mapping[str, Sequence[ast.AST]]) -> Iterator[tuple[str, str]]:
    """What attributes hold that are assigned a list or the like, by the symbolic name of its elements."""
    return ((attribute, part) for attribute, made in values.items() for v in made if (part := _part(names, v)))


def _added(tree: Tree, names: Names, cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """What is put into such an attribute: `self.threads.append(Thread())`, `self.threads[name] = Thread()`."""
    calls = (c for c in tree.within(cls, ast.Call) if isinstance(c.func, ast.Attribute) and c.func.attr in _ADDING)
    given = [(c.func.value, c.args[0]) for c in calls if len(c.args) == 1 and isinstance(c.func, ast.Attribute)]
    assigned = ((t, a.value) for a in tree.within(cls, ast.Assign) for t in a.targets)
    given += [(t.value, value) for t, value in assigned if isinstance(t, ast.Subscript)]
    for holder, value in given:
        if isinstance(holder, ast.Attribute) and names.instance_class(holder.value) is cls:
            symbol = names.of(value)
            if symbol.endswith("()"):
                yield holder.attr, symbol


def _part(names: Names, value: ast.AST) -> str:
    """What makes the elements of a list or the like, by the symbolic name of the value; an empty string for others."""
    if isinstance(value, (ast.ListComp, ast.SetComp)):
        return names.of(value.elt)
    if isinstance(value, ast.DictComp):
        return names.of(value.value)
    return names.of(value.elts[0]) if isinstance(value, (ast.List, ast.Tuple)) and value.elts else ""


def _decorated(names: Names, node: ast.ClassDef, decorators: frozenset[str]) -> frozenset[str]:
    """The functions in a class' body that one of these decorators stands above."""
    functions = (s for s in node.body if isinstance(s, FUNCTIONS))
    return frozenset(f.name for f in functions if any(names.of(d) in decorators for d in f.decorator_list))


def _in_event_loop(node: ast.ClassDef) -> bool:
    """Whether it is entered or gone through in an event loop alone, or half of what others may call are coroutines."""
    methods = [s for s in node.body if isinstance(s, FUNCTIONS)]
    hooks = {s.name for s in methods if s.name in _AWAITED or s.name in _AWAITED.values()}
    if any(hook in hooks and plain not in hooks for hook, plain in _AWAITED.items()):
        return True
    plain = {s.name for s in methods if isinstance(s, ast.FunctionDef)}
    coroutines = [s.name for s in methods if isinstance(s, ast.AsyncFunctionDef) and not s.name.startswith("__")]
    alone = [name for name in coroutines if not plain & _twins(name)]
    public = sum(not name.startswith("_") for name in plain)
    return bool(alone) and sum(not name.startswith("_") for name in coroutines) >= public


def _twins(coroutine: str) -> set[str]:
    """What the method may be called that does the same outside of an event loop."""
    return {coroutine.removesuffix("_async"), coroutine.removeprefix("async_"), coroutine.removeprefix("a")}


def _record(names: Names, node: ast.ClassDef) -> bool:
    """Whether a class' constructor is made of its fields."""
    own = any(isinstance(s, FUNCTIONS) and s.name in ("__init__", "__new__") for s in node.body)
    made = any(names.of(d).removesuffix("()") in FIELDED for d in node.decorator_list)
    return not own and (made or "typing.NamedTuple" in map(names.of_base, node.bases))


def _slots(node: ast.ClassDef) -> tuple[str, ...] | None:
    """The names in `__slots__`; what is not written out counts as a name that no attribute has."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and "__slots__" in set(bound_names(statement)):
            value = statement.value
            items = value.elts if isinstance(value, (ast.Tuple, ast.List, ast.Set)) else [value]
            return tuple(str(i.value) if isinstance(i, ast.Constant) else "" for i in items)
    return None


def _shaped(node: ast.ClassDef, names: Names) -> str:
    for decorator in node.decorator_list:
        symbol = names.of(decorator).removesuffix("()")
        slotted = _said(decorator, "slots")
        if symbol in _ATTRS_SLOTTED and slotted is not False:
            return symbol
        if slotted and symbol:
            return f"{symbol}(slots=True)"
    return next((f"metaclass {names.of(k.value)}" for k in node.keywords if k.arg == "metaclass"), "")


def _apart(constructor: ast.AST) -> bool:
    """Whether a constructor calls no other, as `super().__init__()` or `Base.__init__(self)`."""
    called = (n.func for n in walk(constructor) if isinstance(n, ast.Call))
    return not any(isinstance(f, ast.Attribute) and f.attr == "__init__" for f in called)


def _frozen(node: ast.ClassDef) -> bool:
    return any(_said(d, "frozen") for d in node.decorator_list)


def _sets_on_class(method: ast.stmt) -> bool:
    """Whether it is a `__setattr__` that sets attributes of the class: `setattr(self.__class__, name, value)`."""
    if not isinstance(method, FUNCTIONS) or method.name != "__setattr__" or not method.args.args:
        return False
    owner = method.args.args[0].arg
    calls = (
        n for n in walk(method) if isinstance(n, ast.Call) and ast.unparse(n.func) in ("setattr", "type.__setattr__")
    )
    return any(c.args and ast.unparse(c.args[0]) in (f"{owner}.__class__", f"type({owner})") for c in calls)


def _said(decorator: ast.expr, keyword: str) -> object:
    """The constant a decorator is called with under that keyword, or None."""
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((k.value.value for k in given if k.arg == keyword and isinstance(k.value, ast.Constant)), None)
