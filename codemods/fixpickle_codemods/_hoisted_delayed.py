"""`delayed(f)` out of the generator of tasks, to where the configuration is that it is to capture.

joblib takes the first few tasks of a generator in the thread that calls `Parallel`, and all later ones in a thread of
its own. A `delayed` that captures where it is called misses there what is set for the calling thread.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import Edit, Refusal, Source, Span
from fixpickle.rewrite import free_name, line_start, snake
from fixpickle.survey.facts import Facts
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, Tree, bound_names

_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Assert, ast.Raise)
_LAZY = (ast.Yield, ast.YieldFrom)


@dataclass(frozen=True, slots=True)
class _Place:
    """A call of `delayed` in a generator expression, and the statement in front of which it can be made."""

    call: ast.Call
    statement: ast.stmt


@dataclass(frozen=True, slots=True)
class Hoisted:
    """The edits, and the stretches of the calls that they replace."""

    edits: tuple[Edit, ...]
    gone: tuple[Span, ...]


def hoisted(facts: Facts, source: Source, spans: Sequence[Span], name: str, taken: set[str]) -> Hoisted | Refusal:
    """Every call of `delayed` at `spans` in front of its statement, under a name of its own. It is then called `name`.

    `name` is empty where the file goes on calling it as it does.
    """
    tree = Tree(source)
    names = Names(tree, facts.module, facts.package)
    heads = {(s.start, s.end) for s in spans}
    calls = [c for c in tree.of(ast.Call) if (tree.span(c.func).start, tree.span(c.func).end) in heads]
    places: list[_Place] = []
    for call in calls:
        found = _place(tree, names, call)
        if isinstance(found, str):
            return Refusal(source.path, found, call.lineno)
        places += [found] if found else []
    return Hoisted(tuple(_edits(tree, places, name, taken)), tuple(tree.span(p.call) for p in places))


def _edits(tree: Tree, places: Sequence[_Place], name: str, taken: set[str]) -> Iterator[Edit]:
    made: dict[tuple[ast.stmt, str], str] = {}
    for place in places:
        function = tree.code(place.call.args[0])
        key = (place.statement, function)
        if key not in made:
            made[key] = free_name(snake("delayed", *function.split(".")[-1:]), tree.text, taken)
            at = tree.span(place.statement).start
            indent = tree.text[line_start(tree.text, at) : at]
            line = f"{made[key]} = {name or tree.code(place.call.func)}({function})\n{indent}"
            yield Edit(tree.source.path, at, at, line)
        span = tree.span(place.call)
        yield Edit(tree.source.path, span.start, span.end, made[key])


# --- where it is made -----------------------------------------------------------------------------------------------


def _place(tree: Tree, names: Names, call: ast.Call) -> _Place | str | None:
    """Where the call can be made instead, why it cannot, or None where it is made in time as it is."""
    around: list[ast.AST] = []
    child: ast.AST = call
    for node in tree.ancestors(call):
        if isinstance(node, (*CALLABLES, ast.stmt)):
            break
        # The first iterable of a generator is asked for at once.
        first = node.generators[0].iter if isinstance(node, ast.GeneratorExp) else None
        if isinstance(node, ast.GeneratorExp) and not (isinstance(child, ast.comprehension) and child.iter is first):
            around.append(node)
        child = node
    function = tree.function(call)
    if isinstance(function, ast.Lambda):
        return "`delayed` is called in a lambda, and when that is called cannot be seen"
    if not around:
        return _made_later(tree, call, function)
    if len(around) > 1:
        return "`delayed` is called in a generator in a generator"
    statement = tree.statement(call)
    reason = _unfit(tree, statement, call) or _unsteady(tree, names, call, around[0])
    return reason or _Place(call, statement)


def _made_later(tree: Tree, call: ast.Call, function: ast.AST | None) -> str | None:
    if function is None:
        return None
    if tree.within(function, *_LAZY):
        return "`delayed` is called in a generator function, which joblib advances on another thread"
    if isinstance(tree.statement(call), ast.Return) and _is_task(tree, call):
        return "a function makes the tasks one by one, and where it is called cannot be seen"
    return None


def _is_task(tree: Tree, call: ast.Call) -> bool:
    """Whether what is returned is the task itself: `return delayed(f)(x)`."""
    made = tree.parents[call]
    return isinstance(made, ast.Call) and made.func is call and isinstance(tree.parents[made], ast.Return)


def _unfit(tree: Tree, statement: ast.stmt, call: ast.Call) -> str:
    """Why no line can be put in front of the statement that is run once for each time the generator is."""
    in_iterable = isinstance(statement, (ast.For, ast.AsyncFor)) and tree.inside(call, statement.iter)
    if not isinstance(statement, _SIMPLE) and not in_iterable:
        return f"`delayed` cannot be called in front of the statement at line {statement.lineno}: give it a name there"
    at = tree.span(statement).start
    if tree.text[line_start(tree.text, at) : at].strip():
        return f"another statement shares line {statement.lineno}: put it on its own"
    return ""


def _unsteady(tree: Tree, names: Names, call: ast.Call, generator: ast.AST) -> str:
    """Why the function may be another one each time that the generator asks for it."""
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
        return "what `delayed` is called with cannot be read"
    given = call.args[0]
    root: ast.expr = given
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return f"the function of the tasks, `{tree.code(given)}`, may be another one for each: make the tasks a list"
    bound = {n for c in getattr(generator, "generators", ()) for n in bound_names(c.target)}
    bound |= {n.target.id for n in tree.within(generator, ast.NamedExpr) if isinstance(n.target, ast.Name)}
    if root.id in bound:
        return f"each task has a function of its own, `{tree.code(given)}`: make the tasks a list"
    if isinstance(given, ast.Attribute) and not _is_method(tree, names, given):
        return f"`{tree.code(given)}` may be another object each time it is asked for: give it a name first"
    scope = tree.scope(tree.statement(call))
    while root.id not in names.bindings.get(scope, {}) and not isinstance(scope, ast.Module):
        scope = tree.scope(scope)
    if len(names.bindings.get(scope, {}).get(root.id, [])) > 1 or any(n == root.id for _, n in names.global_writes):
        return f"`{root.id}` is bound more than once: give the function another name"
    return ""


def _is_method(tree: Tree, names: Names, given: ast.Attribute) -> bool:
    """Whether an attribute is a module's, or a method of the class around: the same each time it is asked for."""
    root: ast.expr = given
    while isinstance(root, ast.Attribute):
        root = root.value
    imported = {fact.local for fact in names.imports if fact.whole}
    if isinstance(root, ast.Name) and root.id in imported:
        return bool(names.of(given))
    cls = names.instance_class(given.value)
    methods = [n for n in cls.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))] if cls else []
    return any(m.name == given.attr and not m.decorator_list for m in methods)
