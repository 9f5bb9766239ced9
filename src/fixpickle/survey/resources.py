"""Connections, open files and executors that are bound to a name once, and read by the functions beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import Family, Resource
from fixpickle.survey.flow import Flow
from fixpickle.survey.holdings import family_of, mode_of
from fixpickle.survey.names import Names
from fixpickle.survey.scripts import is_guard
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_in, parameters, walk

_FAMILIES = frozenset({Family.FILE, Family.HANDLE, Family.CONVERSATION, Family.EXECUTOR, Family.POOL})
_SHIPPERS = frozenset({"ray", "dask", "distributed", "pyspark", "cloudpickle", "loky", "joblib"})
_PURE = ("os.path.", "pathlib.Path", "builtins.str", "builtins.int")


def resources(tree: Tree, names: Names, flow: Flow) -> Iterator[Resource]:
    """One for each such name that an inner function reads, in a file that imports what ships functions by value."""
    if not any(fact.target.partition(".")[0] in _SHIPPERS for fact in names.imports):
        return
    for node in tree.of(ast.Assign):
        target = node.targets[0]
        scope = tree.scope(node)
        if not isinstance(target, ast.Name) or not isinstance(node.value, ast.Call):
            continue
        family, symbol = family_of(tree, names, flow, node.value)
        readable = family is Family.FILE and mode_of(names, node.value) in ("r", "rt")  # cloudpickle takes its text
        if family not in _FAMILIES or readable or not isinstance(scope, (*FUNCTIONS, ast.Module)):
            continue
        readers = [_reader(tree, use, scope) for use in flow.variables.loads(scope, target.id)]
        if any(reader is not None for reader in readers):
            yield Resource(
                name=target.id,
                owner=tree.qualname(scope),
                target=symbol,
                family=family,
                span=tree.span(node.value),
                statement=tree.span(node),
                readers=tuple(dict.fromkeys(tree.qualname(r) for r in readers if r is not None)),
                obstacle=next(_obstacles(tree, names, flow, node, scope), ""),
            )


def _reader(tree: Tree, use: ast.AST, scope: ast.AST) -> Function | ast.ClassDef | None:
    """What of the scope a use stands in: a function or class of its own, or None for its own statements."""
    around = [a for a in tree.ancestors(use) if isinstance(a, (*FUNCTIONS, ast.ClassDef)) and a is not scope]
    inner = [a for a in around if tree.inside(a, scope)]
    return inner[-1] if inner else None


def _obstacles(tree: Tree, names: Names, flow: Flow, node: ast.Assign, scope: ast.AST) -> Iterator[str]:
    """Why the function that reads it cannot make it itself."""
    target = node.targets[0]
    assert isinstance(target, ast.Name)
    name = target.id
    if len(node.targets) > 1:
        yield "it has several names"
    if len(names.bindings.get(scope, {}).get(name, [])) != 1:
        yield f"`{name}` is bound more than once"
    if any(isinstance(n.ctx, ast.Del) and n.id == name for n in tree.of(ast.Name)) or _declared(tree, name):
        yield f"`{name}` is declared global or nonlocal, or deleted"
    parent = tree.parents[node]
    plain = parent is scope or (isinstance(parent, ast.If) and is_guard(parent) and node in parent.body)
    if not plain or len(getattr(parent, "body", [])) < 2:
        yield "it is made under a condition, in a loop, or as all that its block does"
    yield from _unmade(tree, names, node)
    yield from _hidden(tree, flow, node, scope)
    yield from _uses(tree, flow, name, scope)


def _declared(tree: Tree, name: str) -> bool:
    found: list[ast.Global | ast.Nonlocal] = tree.of(ast.Global, ast.Nonlocal)
    return any(name in node.names for node in found)


def _unmade(tree: Tree, names: Names, node: ast.Assign) -> Iterator[str]:
    """What it is made from that another process may not have, or what making it twice destroys."""
    assert isinstance(node.value, ast.Call)
    symbol = names.of(node.value.func)
    given = [*node.value.args, *(k.value for k in node.value.keywords)]
    for part in (p for one in given for p in walk(one)):
        if isinstance(part, ast.Name) and not _lasting(tree, names, part):
            yield f"it is made from `{part.id}`, which is no constant, import or definition of the module"
        if isinstance(part, ast.Attribute) and names.of(part).startswith("os.environ"):
            yield "it is made from the environment of this process"
        if isinstance(part, ast.Call) and not names.of(part.func).startswith(_PURE):
            yield f"it is made from what `{ast.unparse(part.func)}` gives"
        if isinstance(part, (ast.Lambda, ast.Await, ast.Yield, ast.NamedExpr)):
            yield "its arguments do more than name constants"
    mode = mode_of(names, node.value)
    if symbol.endswith((".open", ".File")) and set(mode) & set("wxa+?"):
        yield f"it may be open for writing ({mode!r}): every task would write to one file"
    if any(isinstance(p, ast.Constant) and p.value == ":memory:" for one in given for p in walk(one)):
        yield "its database is in the memory of this process"


def _hidden(tree: Tree, flow: Flow, node: ast.Assign, scope: ast.AST) -> Iterator[str]:
    """What it is made from where a reader has another thing of that name."""
    target = node.targets[0]
    assert isinstance(target, ast.Name)
    made = {part.id for part in walk(node.value) if isinstance(part, ast.Name)}
    for use in flow.variables.loads(scope, target.id):
        reader = _reader(tree, use, scope)
        if isinstance(reader, FUNCTIONS):
            own = {*parameters(reader), *bound_in(reader.body)}
            yield from (
                f"it is made from `{name}`, which is another thing in {reader.name}" for name in sorted(made & own)
            )


def _lasting(tree: Tree, names: Names, part: ast.Name) -> bool:
    """Whether a name is bound once at module level, by an import, a definition or a constant, or is Python's own."""
    symbol = names.of(part)
    if symbol.startswith("builtins."):
        return True
    found = names.bindings.get(tree.root, {}).get(part.id, [])
    own = any(part.id in names.bindings.get(a, {}) for a in tree.ancestors(part) if isinstance(a, FUNCTIONS))
    kinds = (ast.Import, ast.ImportFrom, *FUNCTIONS, ast.ClassDef, ast.Constant)
    return not own and len(found) == 1 and isinstance(found[0], kinds)


def _uses(tree: Tree, flow: Flow, name: str, scope: ast.AST) -> Iterator[str]:
    """Who else would notice that every task has one of its own."""
    readers = dict[str, ast.AST]()
    for use in sorted(flow.variables.loads(scope, name), key=lambda use: use.lineno):
        reader, parent = _reader(tree, use, scope), tree.parents[use]
        if reader is None:
            yield f"line {use.lineno} uses it besides"
        elif isinstance(reader, ast.ClassDef):
            yield f"{reader.name} has methods that read it: make it in the one that sets an instance up"
        elif tree.function(use) is not reader:
            yield f"line {use.lineno} reads it in a function of {reader.name}"
        else:
            readers[tree.qualname(reader)] = reader
        called = isinstance(parent, (ast.Call, ast.keyword, ast.withitem, ast.Subscript))
        looped = isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is use
        if not (called or looped or isinstance(parent, ast.Attribute)):
            yield f"line {use.lineno} compares it or hands it on: it would be another one in every task"
    if len(readers) > 1:
        yield f"{', '.join(readers)} share it"
