"""Where objects go that are made of the project's classes, and what names and functions of a module stand for."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from fixpickle.survey.catalogue import answering, catalogue
from fixpickle.survey.facts import Alias, AttributeFlow, Instance, Returned, Sink, ToAttribute, ToCall, ToReturn
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import PROPERTIES, Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, is_none, parameters

_FOREIGN = frozenset({"builtins", *sys.stdlib_module_names})
_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
# Decorators under which a function still gives what its body returns, a property when it is read.
_KEEPING = frozenset({"functools.cache", "functools.lru_cache", "functools.lru_cache()"} | PROPERTIES)


def instances(tree: Tree, names: Names, flow: Flow) -> Iterator[Instance]:
    """Objects of classes that may be the project's, where they go further than the statement they stand in.

    Of objects of one kind that go alike ways the first speaks for all: tests make a hundred such in a file.
    """
    met: set[tuple[object, ...]] = set()
    for found in _instances(tree, names, flow):
        key = (found.symbol, found.member, found.exact, found.of_self, *map(_but_for_line, found.sinks))
        if key not in met:
            met.add(key)
            yield found


def _but_for_line(sink: Sink) -> tuple[object, ...]:
    if isinstance(sink, ToCall):
        onward = tuple(map(_but_for_line, sink.onward))
        how = sink.decorates, sink.unpacked, sink.own
        return sink.callee, sink.position, sink.keyword, sink.literals, onward, how
    if isinstance(sink, ToReturn):
        return ToReturn, sink.function, sink.beside
    if isinstance(sink, ToAttribute):
        return ToAttribute, sink.cls, sink.attribute
    return (sink,)


def _instances(tree: Tree, names: Names, flow: Flow) -> Iterator[Instance]:
    for node in _candidates(tree, flow):
        found: Instance | None = None
        if isinstance(node, ast.Call):
            made = flow.callees.partial(node.func)
            callee = made.args[0] if made is not None else node.func
            own = _own_method(tree, names, callee)
            symbol = own or (names.of(callee) if _may_be_ours(callee, names) else "")
            found = _instance(symbol, "", True, node, flow.of(node) if _ours(symbol) else ())
        elif isinstance(node, ast.Name):
            cls = names.instance_class(node)
            symbol = f"{names.module}.{tree.qualname(cls)}" if cls is not None else ""
            found = _instance(symbol, "", False, node, flow.of(node) if symbol else (), of_self=True)
        elif isinstance(node, ast.Attribute):
            found = _bound_method(tree, names, flow, node)
        elif node.annotation is not None:
            symbol = names.annotated(node.annotation, node).removesuffix("()")
            function = tree.parents[tree.parents[node]]
            found = _instance(symbol, "", False, node, flow.of_name(function, node.arg) if _ours(symbol) else ())
        if found is not None:
            yield found


def _candidates(tree: Tree, flow: Flow) -> list[ast.Call | ast.Name | ast.Attribute | ast.arg]:
    """What may be, or carry, such an object and does go further."""
    parents = tree.parents
    made = [n for n in tree.of(ast.Call) if type(parents[n]) is not ast.Attribute and flow.leads(n)]
    receivers = [n for n in tree.of(ast.Name) if n.id == "self" and type(parents[n]) is not ast.Attribute]
    members = [n for n in tree.of(ast.Attribute) if type(parents[n]) in _HANDING and _is_handed(tree, n)]
    annotated = [n for n in tree.of(ast.arg) if n.annotation is not None]
    return tree.ordered([*made, *receivers, *members, *annotated])


def _instance(
    symbol: str, member: str, exact: bool, node: ast.expr | ast.arg, sinks: tuple[Sink, ...], of_self: bool = False
) -> Instance | None:
    kept: dict[tuple[object, ...], Sink] = {}
    for sink in sinks:
        if isinstance(sink, (ToAttribute, ToReturn)) or _leads_on(sink):
            kept.setdefault(_but_for_line(sink), sink)
    return Instance(symbol, member, exact, of_self, node.lineno, tuple(kept.values())) if kept else None


def _leads_on(sink: Sink) -> bool:
    return isinstance(sink, ToCall) and bool(sink.callee) and not sink.callee.startswith("builtins.")


def _answers(sink: Sink) -> bool:
    """Whether it is returned by a method whose result a library may pickle; who calls other methods decides there."""
    return isinstance(sink, ToReturn) and sink.function.rpartition(".")[2] in answering()


def _ours(symbol: str) -> bool:
    return bool(symbol) and symbol.partition(".")[0].partition("(")[0] not in _FOREIGN


def _may_be_ours(callee: ast.expr, names: Names) -> bool:
    """A cheap first look: a class by its spelling, or a function that was imported or is defined here by that name."""
    if isinstance(callee, ast.Call):
        return _may_be_ours(callee.func, names)
    if isinstance(callee, ast.Attribute):
        return callee.attr[:1].isupper() or names.of(callee.value).endswith("()")
    if not isinstance(callee, ast.Name):
        return False
    values = names.bindings.get(names.tree.root, {}).get(callee.id, ())
    known = callee.id[:1].isupper() or callee.id in names.inner_functions
    return known or any(isinstance(v, (ast.ImportFrom, *FUNCTIONS, ast.ClassDef)) for v in values)


def _own_method(tree: Tree, names: Names, callee: ast.expr) -> str:
    """The method of the class' own body that `self.method(...)` calls, whose results go where calls of it stand."""
    if not isinstance(callee, ast.Attribute) or (cls := names.instance_class(callee.value)) is None:
        return ""
    own = any(isinstance(s, FUNCTIONS) and s.name == callee.attr and not s.decorator_list for s in cls.body)
    return f"{names.module}.{tree.qualname(cls)}.{callee.attr}" if own else ""


_HANDING = frozenset({ast.keyword, ast.Call})


def _is_handed(tree: Tree, node: ast.Attribute) -> bool:
    parent = tree.parents[node]
    return isinstance(node.ctx, ast.Load) and (
        isinstance(parent, ast.keyword) or (isinstance(parent, ast.Call) and parent.func is not node)
    )


def _bound_method(tree: Tree, names: Names, flow: Flow, node: ast.Attribute) -> Instance | None:
    """`self.work` and `cache.work`, handed on: they carry the object along."""
    cls = names.instance_class(node.value)
    if cls is not None:
        if node.attr in names.attribute_values(cls):
            return None
        return _instance(f"{names.module}.{tree.qualname(cls)}", node.attr, False, node, flow.of(node), of_self=True)
    owner = names.of(node.value)
    made = owner.endswith("()") and _ours(owner)
    return _instance(owner.removesuffix("()"), node.attr, True, node, flow.of(node)) if made else None


def attribute_flows(tree: Tree, names: Names, flow: Flow) -> Iterator[AttributeFlow]:
    """Where attributes of `self` go that hold something handed in, or made elsewhere."""
    found: dict[tuple[ast.ClassDef, str], dict[Sink, None]] = {}
    for node in tree.of(ast.Attribute):
        if not isinstance(node.ctx, ast.Load):
            continue
        parent = tree.parents[node]
        if not isinstance(node.value, ast.Name) or isinstance(parent, (ast.Attribute, ast.Compare, ast.Expr)):
            continue
        if isinstance(parent, ast.Call) and parent.func is node:
            continue
        cls = names.instance_class(node.value)
        if cls is not None and _holds_values(names, cls, node.attr):
            sinks = found.setdefault((cls, node.attr), {})
            sinks.update(dict.fromkeys(s for s in flow.of(node) if _leads_on(s) or _answers(s)))
    for (cls, attribute), kept in found.items():
        if kept:
            yield AttributeFlow(tree.qualname(cls), attribute, tuple(kept))


def _holds_values(names: Names, cls: ast.ClassDef, attribute: str) -> bool:
    """Whether an attribute may hold what somebody handed in; of one that another class sets nothing is known here."""
    values = names.attribute_values(cls).get(attribute)
    return values is None or any(not isinstance(v, ast.Constant) for v in values)


def aliases(tree: Tree, names: Names, flow: Flow) -> Iterator[Alias]:
    """The module-level names that stand for something else, where all that binds them agrees."""
    for name, values in names.bindings.get(tree.root, {}).items():
        if all(isinstance(v, (*FUNCTIONS, ast.ClassDef, ast.Constant)) for v in values):
            continue
        symbol = names.agreed(values, tree.root, name)
        if symbol and symbol != f"{names.module}.{name}":
            literal = values[0] if len(values) == 1 and isinstance(values[0], ast.expr) else None
            yield Alias(name, symbol, flow.literals.of(literal) if literal is not None else ())
    for node in tree.root.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield Alias("*", names.absolute(node))


def returned(tree: Tree, names: Names, flow: Flow) -> Iterator[Returned]:
    """What functions give back, where all their ways out agree."""
    found: dict[Function, list[ast.expr]] = {}
    ways_out: list[ast.Return | ast.Yield] = tree.of(ast.Return, ast.Yield)
    for node in ways_out:
        function = tree.function(node)
        if isinstance(function, FUNCTIONS) and node.value is not None and not is_none(node.value):
            found.setdefault(function, []).append(node.value)
    for function, values in found.items():
        symbol = _agreed(names, function, values)
        if not symbol and (said := _said(names, function)):
            yield Returned(tree.qualname(function), said, ())
        if symbol:
            value = flow.variables.expression_behind(values[0])
            yield Returned(tree.qualname(function), symbol, flow.literals.of(value) if value is not None else ())


def _said(names: Names, function: Function) -> str:
    """The class of the file that an annotation says a function gives back, whichever way it comes to it."""
    plain = isinstance(function, ast.FunctionDef) and not function.decorator_list and function.returns is not None
    yields = plain and any(names.tree.function(y) is function for y in names.tree.within(function, ast.Yield))
    said = names.annotated(function.returns, function) if function.returns is not None and plain and not yields else ""
    return said if said.removesuffix("()") in names.classes else ""


def _agreed(names: Names, function: Function, values: list[ast.expr]) -> str:
    """What all returned values are, or the one that values leave the process by; a parameter is what callers say."""
    if not all(isinstance(v, (ast.Name, ast.Attribute, ast.Call)) for v in values):
        return ""
    if any(isinstance(v, ast.Name) and v.id in parameters(function) for v in values):
        return ""
    decorators = {names.of(d) for d in function.decorator_list}
    yields = any(isinstance(names.tree.parents[v], ast.Yield) for v in values)
    if not (decorators & _MANAGERS if yields else decorators <= _KEEPING):
        return ""
    symbols = {names.of(v) for v in values}
    return symbols.pop() if len(symbols) == 1 else catalogue().leaving(symbols)
