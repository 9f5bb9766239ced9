"""The pass itself: everything one file's facts are made of, in one place."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from fixpickle.collector import uncollected
from fixpickle.model import Refusal, Source
from fixpickle.notebook import parts
from fixpickle.survey.classes import classes
from fixpickle.survey.comments import Comment, comments, suppression
from fixpickle.survey.constructions import constructions, witnesses
from fixpickle.survey.definitions import Definitions
from fixpickle.survey.exceptions import exceptions, raised
from fixpickle.survey.factories import factories
from fixpickle.survey.facts import (
    BoundCall,
    Facts,
    Mention,
    ParameterFlow,
    Pools,
    Reference,
    Sink,
    ToAttribute,
    ToCall,
)
from fixpickle.survey.flow import Flow
from fixpickle.survey.guards import guarded_attributes
from fixpickle.survey.handovers import handovers
from fixpickle.survey.holdings import holdings
from fixpickle.survey.instances import aliases, attribute_flows, instances, returned
from fixpickle.survey.late_imports import late_imports
from fixpickle.survey.made_types import TYPE_FACTORIES, instances_of, made_types, sentinels, told_apart
from fixpickle.survey.moved_names import moved_names
from fixpickle.survey.names import Names
from fixpickle.survey.offers import offered
from fixpickle.survey.pickler_choices import handed_on, pickler_choices
from fixpickle.survey.resources import resources
from fixpickle.survey.scripts import is_guard, starts, statements
from fixpickle.survey.short_lived import short_lived
from fixpickle.survey.trainables import whole_states
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_names, parameters, walk
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
        classes=tuple(classes(tree, names)),
        parameters=tuple(_parameters(tree, names, flow)),
        mentions=tuple(_mentions(tree, names, flow)),
        references=tuple(_all_references(tree, names)),
        bound_calls=tuple(_bound_calls(tree, names, flow)),
        made_types=tuple(made_types(tree, names, flow)),
        sentinels=tuple(sentinels(tree, names, flow)),
        told_apart=tuple(told_apart(tree, names, flow)),
        factories=tuple(factories(tree, names)),
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


# --- parameters, mentions, references -------------------------------------------------------------------------------


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
