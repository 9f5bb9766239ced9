"""Imports at module level that only some functions use, so that these could do them instead."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator

from fixpickle.survey.facts import LateImport, LateUse
from fixpickle.survey.flow import Flow
from fixpickle.survey.scripts import is_guard
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_names, is_lazy

_NAMESPACES = frozenset({"globals", "locals", "vars", "eval", "exec"})
# Decorators under which the body of a function still runs as it is written.
_PLAIN = frozenset({"staticmethod", "classmethod", "property", "contextmanager", "contextlib.contextmanager"})


def late_imports(tree: Tree, flow: Flow, exports: frozenset[str] | None) -> Iterator[LateImport]:
    """The imports that bind one name, once, which nothing reads when the module is imported."""
    if not _NAMESPACES.isdisjoint([node.id for node in tree.of(ast.Name)]):
        return
    bound = Counter(name for statement in tree.root.body for name in bound_names(statement))
    said: str | None = None
    guarded = any(map(is_guard, tree.root.body))
    made: dict[Function | ast.If, LateUse] = {}
    written = {name for node in tree.of(ast.Global) for name in node.names}
    for statement in tree.root.body:
        found = _imported(statement)
        if found is None:
            continue
        name, module = found
        if bound[name] > 1 or name in written or name in (exports or ()):
            continue
        users = list(_users(tree, flow, name, guarded))
        late = dict.fromkeys(user for user in users if isinstance(user, (*FUNCTIONS, ast.If)))
        if not users or len(late) < len(set(users)):
            continue
        said = _said(tree) if said is None else said
        if name not in said or not re.search(rf"\b{name}\b", said):
            made.update((user, _use(tree, user)) for user in late if user not in made)
            uses = dict.fromkeys(made[user] for user in late)
            yield LateImport(name, module, tree.span(statement), tuple(uses))


def _imported(statement: ast.stmt) -> tuple[str, str] | None:
    """The one name that an import of another module binds, and the module that it loads, as it is written.

    None where the statement is none, or loads the module at its first use anyway: `lazy import` (PEP 810, Python 3.15).
    """
    if is_lazy(statement):
        return None
    if isinstance(statement, ast.Import):
        alias, module = statement.names[0], statement.names[0].name
        plain = alias.asname is not None or "." not in alias.name  # `import a.b` shares `a` with others
    elif isinstance(statement, ast.ImportFrom):
        alias, module = statement.names[0], "." * statement.level + (statement.module or "")
        plain = alias.name != "*"
    else:
        return None
    foreign = module.partition(".")[0] not in sys.stdlib_module_names
    return (alias.asname or alias.name, module) if plain and foreign and len(statement.names) == 1 else None


def _said(tree: Tree) -> str:
    """The strings, which may name things as code would: `"np.ndarray"` in an annotation, or what is evaluated."""
    parents = tree.parents
    said = [n.value for n in tree.of(ast.Constant) if type(n.value) is str and type(parents[n]) is not ast.Expr]
    return "\n".join(said)


def _users(tree: Tree, flow: Flow, name: str, guarded: bool) -> Iterator[ast.AST | None]:
    """The main guard or the outermost function around each place that reads the name; None where neither is.

    Whether the file is `guarded` at all is asked once: few files are, and some names are read a thousand times.
    """
    outermost: dict[ast.AST, ast.AST | None] = {}
    for load in flow.variables.loads(tree.root, name):
        scope = tree.scope(load)
        if scope not in outermost:
            outermost[scope] = _outermost(tree, scope)
        top = tree.top(load) if guarded else None
        if isinstance(top, ast.If) and is_guard(top) and not top.orelse and not tree.inside(load, top.test):
            yield top
        else:
            yield outermost[scope]


def _outermost(tree: Tree, scope: ast.AST) -> ast.AST | None:
    """The outermost function or comprehension around what is evaluated in a scope."""
    found = None
    while not isinstance(scope, ast.Module):
        if not isinstance(scope, ast.ClassDef):
            found = scope
        scope = tree.scope(scope)
    return found


def _use(tree: Tree, user: Function | ast.If) -> LateUse:
    first, function, decorators = user.body[0], "", set[str]()
    if not isinstance(user, ast.If):
        documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        first = user.body[1] if documented and len(user.body) > 1 else first
        function, decorators = tree.qualname(user), {ast.unparse(d) for d in user.decorator_list} - _PLAIN
    start = tree.span(first).start
    line = tree.text.rfind("\n", 0, start) + 1
    reason = f"is decorated with `{min(decorators)}`" if decorators else ""
    if tree.text[line:start].strip():
        reason = "stands on one line with its body"
    return LateUse(function, line, tree.text[line:start], reason)
