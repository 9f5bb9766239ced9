"""Types and sentinels that a call makes: where they go, and what forbids making them at module level."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from fixpickle.survey.facts import MadeType, Sentinel, Sink, ToldApart
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, walk

TYPE_FACTORIES = frozenset(
    {
        *("collections.namedtuple", "typing.NamedTuple", "typing.TypedDict", "typing.NewType", "builtins.type"),
        *("enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag", "dataclasses.make_dataclass"),
    }
)
_TESTS = frozenset({"builtins.isinstance", "builtins.issubclass"})


def made_types(tree: Tree, names: Names, flow: Flow) -> Iterator[MadeType]:
    """The types that functions of the file make by a call and bind to a local name."""
    made = [(node, name) for node in tree.of(ast.Assign) if (name := _named(tree, names, node))]
    for node, name in made:
        scope = tree.scope(node)
        uses = flow.variables.loads(scope, name)
        others = (tree.qualname(tree.scope(other)) for other, its in made if its == name and other is not node)
        reasons = (*_reasons(tree, names, node, name, uses), *_taken(flow.variables, name, others))
        yield MadeType(
            name=name,
            owner=tree.qualname(scope),
            span=tree.span(node),
            statement=tree.span(tree.top(node)),
            sinks=tuple(_instances(tree, flow, uses)),
            reason=next(iter(reasons), ""),
        )


def _named(tree: Tree, names: Names, node: ast.Assign) -> str:
    """The local name that a statement of a function gives to a type it makes, or an empty string for none."""
    if not isinstance(node.value, ast.Call) or len(node.value.args) < 2 or len(node.targets) > 1:
        return ""
    target = node.targets[0]
    if not isinstance(target, ast.Name) or not isinstance(tree.scope(node), FUNCTIONS):
        return ""
    return target.id if names.of(node.value.func) in TYPE_FACTORIES else ""


def _taken(variables: Variables, name: str, others: Iterable[str]) -> Iterator[str]:
    """Why the name cannot be the module's for one type: pickle finds one under it, whichever function asks."""
    yield from (f"`{name}` is what {other} calls a type of its own, too" for other in others)
    if reads := variables.loads(variables.tree.root, name):
        yield f"line {reads[0].lineno} reads `{name}` of the module, or the builtin"


def instances_of(tree: Tree, flow: Flow, name: str) -> tuple[Sink, ...] | None:
    """Where instances of a module's type go, or None where the file does more with the type than to call it."""
    uses = flow.variables.loads(tree.root, name)
    if any(not isinstance(call := tree.parents[u], ast.Call) or call.func is not u for u in uses):
        return None
    return tuple(dict.fromkeys(_instances(tree, flow, uses)))


def _instances(tree: Tree, flow: Flow, uses: list[ast.Name]) -> Iterator[Sink]:
    for use in uses:
        call = tree.parents[use]
        if isinstance(call, ast.Call) and call.func is use:
            yield from flow.of(call)


def _reasons(tree: Tree, names: Names, node: ast.Assign, name: str, uses: list[ast.Name]) -> Iterator[str]:
    """Why the type cannot be made at module level, under the same name."""
    call, scope = node.value, tree.scope(node)
    assert isinstance(call, ast.Call)
    given = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
    if given != name:
        yield "the name it is given is not the one it is bound to, and pickle would look for the former"
    if tree.parents[node] is not scope or len(names.bindings.get(scope, {}).get(name, [])) != 1:
        yield f"`{name}` is bound in a block or more than once"
    if any(name in table for table in (names.bindings.get(tree.root, {}),)):
        yield f"`{name}` is bound to something else in the module"
    at_top = {i.local for i in names.imports if i.top}
    for inner in walk(call):
        if isinstance(inner, ast.Name) and inner.id not in at_top and not names.of(inner).startswith("builtins."):
            yield f"it is made of `{inner.id}`, which need not be the same at every call"
        elif isinstance(inner, (ast.Lambda, ast.Call)) and inner is not call:
            yield "what it is made of is made afresh at every call"
    for use in uses:
        parent = tree.parents[use]
        called = isinstance(parent, ast.Call) and (parent.func is use or names.of(parent.func) in _TESTS)
        member = isinstance(parent, ast.Subscript) and parent.value is use
        if not called and not member and not isinstance(parent, ast.Attribute):
            yield f"it is handed on as a class at line {use.lineno}: every call makes another one"


def sentinels(tree: Tree, names: Names, flow: Flow) -> Iterator[Sentinel]:
    """The module's own `object()`s."""
    for node in tree.root.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not isinstance(node.value, ast.Call):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        target, call = targets[0], node.value
        plain = len(targets) == 1 and isinstance(target, ast.Name) and not call.args and not call.keywords
        if not plain or names.of(call.func) != "builtins.object":
            continue
        assert isinstance(target, ast.Name)
        if len(names.bindings[tree.root][target.id]) == 1:
            sinks = flow.of_name(tree.root, target.id)
            compared = _is_told_apart(tree, flow, target.id)
            yield Sentinel(target.id, tree.span(node), tree.span(call), sinks, compared)


def told_apart(tree: Tree, names: Names, flow: Flow) -> Iterator[ToldApart]:
    """The names that a file takes from other modules, and compares by identity."""
    for one in names.imports:
        bound = names.bindings[tree.root].get(one.local, ()) if one.top and not one.whole else ()
        if len(bound) == 1 and _is_told_apart(tree, flow, one.local):
            yield ToldApart(one.target, flow.of_name(tree.root, one.local))


def _is_told_apart(tree: Tree, flow: Flow, name: str) -> bool:
    return any(_by_identity(tree.parents[use]) for use in flow.variables.loads(tree.root, name))


def _by_identity(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) and any(
        isinstance(o, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)) for o in node.ops
    )
