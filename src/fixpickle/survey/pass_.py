"""The pass itself: everything one file's facts are made of, in one place."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence

from fixpickle.collector import uncollected
from fixpickle.model import Refusal, Source
from fixpickle.notebook import parts
from fixpickle.survey.comments import Comment, comments, suppression
from fixpickle.survey.constructions import constructions, witnesses
from fixpickle.survey.containers import hands_all_on
from fixpickle.survey.definitions import Definitions, decorates
from fixpickle.survey.exceptions import exceptions, raised
from fixpickle.survey.facts import (
    BoundCall,
    ClassFacts,
    Factory,
    Facts,
    Mention,
    ParameterFlow,
    Pools,
    Reference,
    Sink,
    ToAttribute,
    ToCall,
)
from fixpickle.survey.flaws import flaws
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.stores import FIELDED
from fixpickle.survey.guards import guarded_attributes
from fixpickle.survey.handovers import handovers
from fixpickle.survey.holdings import holdings
from fixpickle.survey.hooks import refusing, state_hooks
from fixpickle.survey.identities import keyed_by_id
from fixpickle.survey.instances import aliases, attribute_flows, instances, returned
from fixpickle.survey.late_imports import late_imports
from fixpickle.survey.made_types import TYPE_FACTORIES, instances_of, made_types, sentinels
from fixpickle.survey.makings import running, set_later
from fixpickle.survey.moved_names import moved_names
from fixpickle.survey.names import PROPERTIES, Names
from fixpickle.survey.offers import offered
from fixpickle.survey.pickler_choices import handed_on, pickler_choices
from fixpickle.survey.resources import resources
from fixpickle.survey.scripts import is_guard, starts, statements
from fixpickle.survey.short_lived import short_lived
from fixpickle.survey.trainables import whole_states
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_names, parameters, walk
from fixpickle.survey.type_names import feigned, is_mangled
from fixpickle.survey.uses import asked_of_functions
from fixpickle.survey.worker_states import worker_states

WATCHED = frozenset(
    [
        "joblib.Parallel",
        "joblib.parallel.Parallel",
        "joblib.delayed",
        "joblib.parallel.delayed",
        "loky.set_loky_pickler",
        "multiprocessing.set_start_method",
        "torch.multiprocessing.set_start_method",
        "joblib.externals.loky.set_loky_pickler",
        "pickle.load",
        "pickle.loads",
        "joblib.load",
        "torch.load",
        "cloudpickle.register_pickle_by_value",
        "joblib.externals.cloudpickle.register_pickle_by_value",
    ]
)
_INSTANCELESS = frozenset({"builtins.staticmethod", "builtins.classmethod"})
HOOKS = frozenset(
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


def survey(source: Source) -> Facts | Refusal:
    """The facts of one file, or why it cannot be read as Python."""
    try:
        with uncollected():
            tree = Tree(source)
            names = Names(tree, source.module, source.is_package)
            return _facts(source, tree, names, Flow(tree, names), list(comments(source.text)))
    except SyntaxError as error:
        by = f"(for Python {sys.version_info.major}.{sys.version_info.minor}, which runs fixpickle)"
        return Refusal(source.path, f"syntax error: {error.msg} {by}", error.lineno or 0)
    except (ValueError, RecursionError, MemoryError) as error:
        return Refusal(source.path, f"cannot be parsed: {type(error).__name__}: {error}")


def _facts(source: Source, tree: Tree, names: Names, flow: Flow, said: list[Comment]) -> Facts:
    return Facts(
        *(source.path, source.module, source.root, source.is_package, source.digest),
        imports=names.imports,
        definitions=tuple(Definitions(tree, names, flow).all()),
        constructions=tuple(constructions(tree, names, flow)),
        classes=tuple(_classes(tree, names)),
        parameters=tuple(_parameters(tree, names, flow)),
        mentions=tuple(_mentions(tree, names, flow)),
        references=tuple(_all_references(tree, names)),
        bound_calls=tuple(_bound_calls(tree, names, flow)),
        made_types=tuple(made_types(tree, names, flow)),
        sentinels=tuple(sentinels(tree, names, flow)),
        factories=tuple(_factories(tree, names)),
        holdings=tuple(holdings(tree, names, flow)),
        decorators=frozenset(_decorators(tree, names)),
        statements=statements(tree, names, flow),
        guard=next((tree.span(s) for s in tree.root.body if is_guard(s)), None),
        exports=_exports(tree),
        exceptions=tuple(exceptions(tree, names)),
        raised=tuple(raised(tree, names)),
        suppressions=tuple(suppression(c) for c in said if c.word == "ignore"),
        strategies=tuple((c.line, c.name) for c in said if c.word == "strategy"),
        attribute_flows=tuple(attribute_flows(tree, names, flow)),
        instances=tuple(instances(tree, names, flow)),
        aliases=tuple(aliases(tree, names, flow)),
        returned=tuple(returned(tree, names, flow)),
        guarded=tuple(guarded_attributes(tree, names)),
        asked=asked_of_functions(tree, names),
        late_imports=tuple(late_imports(tree, flow, _exports(tree))),
        cells=parts(source.notebook, source.text) if source.notebook else (),
        starts=tuple(starts(tree, names, flow)),
        pickler_choices=pickler_choices(tree, names),
        handed_on=tuple(handed_on(tree, names, flow)),
        states=tuple(worker_states(tree, names)),
        resources=tuple(resources(tree, names, flow)),
        handovers=tuple(handovers(tree, names, flow)),
        reached=frozenset(_reached(tree, names)),
        taken=frozenset(_reached(tree, names, called=False)),
        short_lived=short_lived(tree, names, flow),
        pools=Pools(flow.callees.wanted, tuple(offered(names, flow))),  # the last: it is what the others came upon
    )


# --- classes, parameters, mentions ----------------------------------------------------------------------------------


_ADDING = frozenset({"append", "appendleft", "add"})


def _classes(tree: Tree, names: Names) -> Iterator[ClassFacts]:
    keyed = keyed_by_id(tree, names)
    for node in tree.of(ast.ClassDef):
        defined = {n for s in node.body for n in bound_names(s)}
        values = names.attribute_values(node)
        kept = sorted({(a, symbol) for a, vs in values.items() for v in vs if (symbol := names.of(v))})
        yield ClassFacts(
            name=tree.qualname(node),
            line=node.lineno,
            bases=tuple(map(names.of_base, node.bases)),
            hooks=tuple(sorted((HOOKS & defined) - ({"__reduce__"} if hands_all_on(node) else set()))),
            attributes=tuple(kept),
            coroutines=any(isinstance(s, ast.AsyncFunctionDef) for s in node.body),
            slots=_slots(node),
            shaped=_shaped(node, names),
            guarded="__setattr__" in defined or _frozen(node),
            state=state_hooks(node),
            parts=tuple(sorted({*_parts(names, values), *_added(tree, names, node)})),
            refusing=refusing(node),
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


def _said(decorator: ast.expr, keyword: str) -> object:
    """The constant a decorator is called with under that keyword, or None."""
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((k.value.value for k in given if k.arg == keyword and isinstance(k.value, ast.Constant)), None)


def _parameters(tree: Tree, names: Names, flow: Flow) -> Iterator[ParameterFlow]:
    functions: list[Function] = tree.of(*FUNCTIONS)
    for node in functions:
        if not isinstance(tree.scope(node), (ast.Module, ast.ClassDef)):
            continue
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
        method = tree.method_class(node) is not None and not static
        by_keyword = {a.arg for a in node.args.kwonlyargs}
        stars = {a.arg: star for a, star in ((node.args.vararg, "*"), (node.args.kwarg, "**")) if a is not None}
        for position, name in enumerate(parameters(node)):
            sinks = tuple(s for s in flow.of_name(node, name) if isinstance(s, (ToAttribute, ToCall)))
            if sinks:
                at = -1 if name in by_keyword or stars.get(name) == "**" else position - method
                yield ParameterFlow(tree.qualname(node), name, at, sinks, stars.get(name, ""))


def _mentions(tree: Tree, names: Names, flow: Flow) -> Iterator[Mention]:
    definitions: list[Function | ast.ClassDef] = tree.of(*FUNCTIONS, ast.ClassDef)
    for node in definitions:
        if isinstance(tree.scope(node), ast.Module):
            found: list[Sink] = []
            for decorator in node.decorator_list:
                bare = not isinstance(decorator, ast.Call)
                symbol = names.of(decorator).removesuffix("()")
                found.append(ToCall(symbol, 0, "", decorator.lineno, flow.literals.of(decorator), decorates=bare))
            found += [s for s in flow.of_name(tree.root, node.name) if isinstance(s, (ToCall, ToAttribute))]
            results = flow.results(tree.root, node.name)
            if found or results:
                yield Mention(node.name, tuple(dict.fromkeys(found)), results, node.lineno)


def _all_references(tree: Tree, names: Names) -> Iterator[Reference]:
    yield from _references(tree, names)
    yield from moved_names(tree, names)
    yield from witnesses(tree, names)
    yield from whole_states(tree, names)


def _references(tree: Tree, names: Names) -> Iterator[Reference]:
    found: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute) if names.may_mean(WATCHED) else []
    for node in found:
        symbol = names.of(node) if isinstance(node.ctx, ast.Load) else ""
        if symbol in WATCHED:
            parent = tree.parents[node]
            called = isinstance(parent, ast.Call) and parent.func is node
            given = _first_argument(parent) if called and isinstance(parent, ast.Call) else None
            argument = repr(given.value) if isinstance(given, ast.Constant) else ""
            yield Reference(symbol, tree.span(node), called, argument)


def _first_argument(call: ast.Call) -> ast.expr | None:
    """What decides on the call: of `Parallel`, its first parameter by position or by name."""
    named = (k.value for k in call.keywords if k.arg == "n_jobs")
    return call.args[0] if call.args else next(named, None)


def _bound_calls(tree: Tree, names: Names, flow: Flow) -> Iterator[BoundCall]:
    """The results of calls that the module binds to one name each."""
    for node in tree.root.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.value, ast.Call):
            continue
        target, call = node.targets[0], node.value
        if isinstance(target, ast.Name):
            first = call.args[0] if call.args else None
            given = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            keywords = tuple(k.arg for k in call.keywords if k.arg)
            count = len(call.args) + len(call.keywords)
            taken = names.of(first) if first is not None and not given else ""
            callee = names.of(call.func)
            made = instances_of(tree, flow, target.id) if callee in TYPE_FACTORIES else None
            yield BoundCall(target.id, callee, given, taken, count, keywords, tree.span(node), made)


def _factories(tree: Tree, names: Names) -> Iterator[Factory]:
    for node in tree.root.body:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list:
            continue
        inner = [n for n in node.body if isinstance(n, ast.FunctionDef)]
        if len(inner) != 1 or decorates(inner[0]) or tree.within(node, ast.Yield, ast.YieldFrom):
            continue
        returned = [n for n in tree.within(node, ast.Return) if tree.function(n) is node]
        if returned and all(isinstance(r.value, ast.Name) and r.value.id == inner[0].name for r in returned):
            symbols = {names.of(d) for d in inner[0].decorator_list}
            taken = parameters(node)
            yield Factory(
                node.name,
                tree.qualname(inner[0]),
                tree.span(inner[0]),
                "functools.wraps()" in symbols or _told_its_name(tree, names, node, inner[0]),
                taken[0] if len(taken) == 1 else "",
            )


def _told_its_name(tree: Tree, names: Names, outer: ast.FunctionDef, inner: ast.FunctionDef) -> bool:
    """Whether a function hands one of its own to `functools.update_wrapper`, or itself copies another's name to it."""
    stores = (n for n in tree.within(outer, ast.Attribute) if n.attr == "__qualname__" and isinstance(n.ctx, ast.Store))
    if any(isinstance(n.value, ast.Name) and n.value.id == inner.name for n in stores):
        return True
    calls = (c for c in tree.within(outer, ast.Call) if c.args and isinstance(c.args[0], ast.Name))
    return any(c.args[0].id == inner.name and names.of(c.func) == "functools.update_wrapper" for c in calls)  # type: ignore[attr-defined]


def _decorators(tree: Tree, names: Names) -> Iterator[str]:
    """What is used as a decorator, and what is called in a class body: either way the result may have to bind."""
    definitions: list[Function | ast.ClassDef] = tree.of(*FUNCTIONS, ast.ClassDef)
    for node in definitions:
        for decorator in node.decorator_list:
            yield names.of(decorator).removesuffix("()")
    for call in tree.of(ast.Call):
        if isinstance(tree.scope(call), ast.ClassDef):
            yield names.of(call.func)


def _reached(tree: Tree, names: Names, called: bool = True) -> Iterator[str]:
    """What the file reads of other modules of its package as their attributes, and not by a name it imports.

    Without what is `called` it is what the file may keep or hand on.
    """
    top = names.module.partition(".")[0]
    modules = {i.local for i in names.imports if i.target.partition(".")[0] == top}
    for node in tree.of(ast.Attribute) if modules else ():
        if isinstance(node.value, ast.Name) and node.value.id in modules and (symbol := names.of(node)):
            parent = tree.parents[node]
            if called or not (isinstance(parent, ast.Call) and parent.func is node):
                yield symbol


# --- the file's own layout ------------------------------------------------------------------------------------------


def _exports(tree: Tree) -> frozenset[str] | None:
    """The names in `__all__`, where it is a plain list of strings; None where there is none to read."""
    for statement in tree.root.body:
        if isinstance(statement, ast.Assign) and "__all__" in {n for t in statement.targets for n in bound_names(t)}:
            names = [c.value for c in walk(statement.value) if isinstance(c, ast.Constant)]
            return frozenset(str(n) for n in names)
    return None
