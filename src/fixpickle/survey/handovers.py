"""Dictionary views and one-shot iterators where a call is handed them, or a function gives them back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.survey.facts import Family, Handover, Sink, ToCall, ToReturn
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.callees import CARRIERS
from fixpickle.survey.holding_uses import use_of
from fixpickle.survey.holdings import ITERTOOLS, family_of, is_generator
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, parameters

# The last words of the names of what makes them, besides generator functions: few calls are looked at closer.
_MAKERS = frozenset(
    {
        *("keys", "values", "items", "finditer", "reader", "writer", "DictReader", "DictWriter"),
        *("scandir", "walk", "iglob", "pairwise", "batched", *ITERTOOLS),
    }
)
_PARTIAL = "functools.partial"
# Methods whose second argument is the tuple that their first is called with; `submit` and a partial take it unpacked.
_PACKED = frozenset({"apply", "apply_async"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands when it goes: `outer` is the argument of `call` that it is, or is an item of.

    The call is None where a function returns it.
    """

    node: ast.expr
    outer: ast.AST
    call: ast.Call | None


def handovers(tree: Tree, names: Names, flow: Flow) -> Iterator[Handover]:
    """One for each place at which such a value is handed over or given back, and for each generator function."""
    yields: list[ast.Yield | ast.YieldFrom] = tree.of(ast.Yield, ast.YieldFrom)
    generators = {f.name: f for y in yields if isinstance(f := tree.function(y), ast.FunctionDef)}
    candidates: list[ast.GeneratorExp | ast.Call] = tree.of(ast.GeneratorExp, ast.Call)
    for node in candidates:
        if isinstance(node, ast.Call) and _last_word(node) not in generators.keys() | _MAKERS:
            continue
        places = _places(tree, names, flow, node) if flow.leads(node) else []
        family, target = family_of(tree, names, flow, node) if places else (None, "")
        if family in (Family.VIEW, Family.GENERATOR, Family.ITERTOOLS):
            for place in places:
                yield from _handover(tree, names, flow, place, family, target)
    for name, function in generators.items():
        if is_generator(tree, names, f"{names.module}.{name}"):
            given = (ToReturn(name, function.lineno),)
            yield Handover(Family.GENERATOR, "generator function", tree.span(function), name, False, False, None, given)


def _last_word(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _handover(tree: Tree, names: Names, flow: Flow, place: _Place, family: Family, target: str) -> Iterator[Handover]:
    if place.call is not None and (callee := names.of(place.call.func)) in CARRIERS and callee != _PARTIAL:
        return  # `list(...)` of it is something else
    sinks = tuple(s for s in flow.of(place.node) if _meant(names, s, place))
    if sinks:
        yield Handover(
            family=family,
            target=target,
            span=tree.span(place.node),
            code=tree.code(place.node),
            whole=_is_whole(names, place),
            at_once=place.call is not None and _at_once(tree, names, place.call),
            uses=_uses(tree, names, flow, place),
            sinks=sinks,
        )


def _is_whole(names: Names, place: _Place) -> bool:
    """Whether it is an argument by itself; what a partial is made with is an item of that."""
    outer = place.outer.value if isinstance(place.outer, ast.keyword) else place.outer
    return place.call is not None and outer is place.node and names.of(place.call.func) != _PARTIAL


def _at_once(tree: Tree, names: Names, call: ast.Call) -> bool:
    """Not where a partial or a process is kept first: until it is called or started, a view shows what changes."""
    parent = tree.parents[call]
    if names.of(call.func) == _PARTIAL:
        outer = tree.parents[parent] if isinstance(parent, ast.keyword) else parent
        return isinstance(outer, ast.Call) and outer.func is not call and _at_once(tree, names, outer)
    return not _last_word(call)[:1].isupper() or (isinstance(parent, ast.Attribute) and parent.attr == "start")


def _meant(names: Names, sink: Sink, place: _Place) -> bool:
    """Not where it goes after somebody has put it somewhere: it may be a list by then. A partial keeps what it gets."""
    if place.call is None:
        return isinstance(sink, ToReturn)
    near = sink.line == place.call.lineno or names.of(place.call.func) == _PARTIAL
    return isinstance(sink, ToCall) and near and not sink.callee.startswith("builtins.")


def _places(tree: Tree, names: Names, flow: Flow, node: ast.expr) -> list[_Place]:
    """Where a value goes from its own expression: there, or where the only variable that has it is read."""
    parent = tree.parents[node]
    if not isinstance(parent, ast.Assign):
        place = _place(tree, names, node)
        return [place] if place is not None else []
    target = parent.targets[0]
    if len(parent.targets) > 1 or not isinstance(target, ast.Name) or len(flow.variables.values(target)) != 1:
        return []
    found = (_place(tree, names, use) for use in flow.variables.uses(target))
    return [place for place in found if place is not None]


def _place(tree: Tree, names: Names, node: ast.expr) -> _Place | None:
    """The call that an expression is an argument of, itself or in a tuple, list or dictionary as it is written."""
    outer: ast.AST = node
    parent = tree.parents[node]
    while isinstance(parent, (ast.Tuple, ast.List)) or (isinstance(parent, ast.Dict) and outer in parent.values):
        outer, parent = parent, tree.parents[parent]
    if isinstance(parent, ast.Return):
        return _Place(node, outer, None)
    if isinstance(parent, ast.keyword):
        outer, parent = parent, tree.parents[parent]
    if not isinstance(parent, ast.Call) or outer is parent.func:
        return None
    return _Place(node, outer, parent)


# --- what becomes of it -------------------------------------------------------------------------------------------


def _uses(tree: Tree, names: Names, flow: Flow, place: _Place) -> tuple[str, ...] | None:
    """What the function that is handed the value does with it; None where that is not known."""
    given = _given(names, place)
    if given is None:
        return None
    task, parameter = given
    functions = [f for f in tree.root.body if isinstance(f, FUNCTIONS) and f"{names.module}.{f.name}" == names.of(task)]
    if len(functions) != 1 or functions[0].decorator_list:
        return None
    function = functions[0]
    taken = parameters(function)
    if isinstance(parameter, int):
        positional = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        parameter = positional[parameter] if parameter < len(positional) else ""
    stars = {a.arg for a in (function.args.vararg, function.args.kwarg) if a is not None}
    if parameter not in taken or parameter in stars or len(names.bindings[function].get(parameter, [])) != 1:
        return None
    return tuple(sorted({use_of(tree, names, use) for use in flow.variables.loads(function, parameter)}))


def _given(names: Names, place: _Place) -> tuple[ast.expr, int | str] | None:
    """The task that a call is for, and its parameter that the value fills, by position or name."""
    call, outer = place.call, place.outer
    if call is None or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    if any(k.arg is None for k in call.keywords):
        return None
    named = {k.arg: k.value for k in call.keywords}
    packed = outer.value if isinstance(outer, ast.keyword) else outer
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if "target" in named:
        return _packed(named["target"], packed, place.node) if outer in call.keywords else None
    if not call.args or call.args[0] in (place.node, outer):
        return None
    if method in _PACKED:
        return _packed(call.args[0], packed, place.node)
    if packed is not place.node or (method != "submit" and names.of(call.func) != _PARTIAL):
        return None
    return call.args[0], outer.arg or "" if isinstance(outer, ast.keyword) else call.args.index(place.node) - 1


def _packed(task: ast.expr, packed: ast.AST, node: ast.expr) -> tuple[ast.expr, int | str] | None:
    """The parameter that an item fills of the tuple of arguments, or of the dictionary of those with names."""
    if isinstance(packed, (ast.Tuple, ast.List)) and node in packed.elts:
        starred = any(isinstance(e, ast.Starred) for e in packed.elts)
        return None if starred else (task, packed.elts.index(node))
    if isinstance(packed, ast.Dict) and node in packed.values:
        key = packed.keys[packed.values.index(node)]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return task, key.value
    return None
