"""Attributes that `__getstate__` leaves out and nothing makes anew: who misses them, and what the constructor knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.model import Span
from fixpickle.survey.facts import Flaw, Harm
from fixpickle.survey.hooks import is_from_name, state_hooks
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_in, walk

_NOT_USERS = frozenset({"__init__", "__new__", "__getstate__", "__setstate__", "__del__", "__post_init__", "__repr__"})
_HARMLESS = ("threading.", "_thread.", "collections.", "weakref.Weak", "builtins.", "queue.", "logging.getLogger")
_CONTAINERS = frozenset({"builtins.dict", "builtins.list", "builtins.set", "builtins.bytearray"})
_PROBES = frozenset({"hasattr", "getattr", "setattr", "delattr"})


def forgotten(tree: Tree, names: Names, cls: ast.ClassDef, makes: ast.FunctionDef) -> Iterator[Flaw]:
    """A flaw for each key that is taken out of the state, set by the constructor alone, and read by other methods."""
    hooks = state_hooks(cls)
    if hooks is None or not hooks.copies or (hooks.takes and not hooks.restores):
        return
    blanked = {k.removeprefix(f"_{cls.name.lstrip('_')}") for k in _blanked(makes)}
    methods = [s for s in cls.body if isinstance(s, FUNCTIONS)]
    takes = next((m for m in methods if m.name == "__setstate__"), None)
    if takes is not None and _may_remake(takes):
        return
    init = next((m for m in methods if m.name == "__init__"), None)
    for name in hooks.dropped:
        if name in hooks.set_again or name in blanked or init is None or _handled(tree, cls, name):
            continue
        value = _made(init, name)
        if value is None or not any(_reads(m, name) for m in methods if m.name not in _NOT_USERS):
            continue
        reason = _reason(tree, names, init, value, hooks.dropped)
        code = "" if reason else tree.code(value)
        yield Flaw(Harm.FORGOTTEN, makes.name, _place(tree, makes, name), (name,), code, reason)


def _blanked(makes: ast.FunctionDef) -> Iterator[str]:
    """The keys that stay in the state, with another value."""
    for node in walk(makes):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                yield str(target.slice.value)


def _may_remake(takes: Function) -> bool:
    """Whether `__setstate__` hands the instance on, or calls a method of it that may set anything."""
    for node in walk(takes):
        if isinstance(node, ast.Call) and not is_from_name(node):
            code = ast.unparse(node.func)
            plain = code in ("self.__dict__.update", "super().__setstate__", "vars(self).update")
            handed = any(isinstance(a, ast.Name) and a.id == "self" for a in node.args)
            if (code.startswith(("self.", "super().")) and not plain) or handed:
                return True
    return False


def _handled(tree: Tree, cls: ast.ClassDef, name: str) -> bool:
    """Whether the file tests for the attribute, sets it in another place, or makes it when it is missing."""
    init = next(s for s in cls.body if isinstance(s, FUNCTIONS) and s.name == "__init__")
    own = set(walk(cls))
    made = set(walk(init))
    for node in tree.of(ast.Attribute, ast.Call, ast.ExceptHandler, ast.Compare):
        if isinstance(node, ast.Attribute) and node.attr == name and _is_store(node):
            elsewhere = node in own - made if node in own else ast.unparse(node.value) != "self"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _PROBES:
            elsewhere = any(isinstance(a, ast.Constant) and a.value == name for a in node.args)
        elif isinstance(node, ast.ExceptHandler):
            elsewhere = node in own and "AttributeError" in _caught(node)
        else:
            tested = node.left if isinstance(node, ast.Compare) else None
            elsewhere = isinstance(tested, ast.Constant) and tested.value == name
        if elsewhere:
            return True
    return name in bound_in(cls.body)


def _caught(handler: ast.ExceptHandler) -> str:
    return ast.unparse(handler.type) if handler.type is not None else "AttributeError"


def _made(init: Function, name: str) -> ast.expr | None:
    """The one value that the constructor gives the attribute, in its own body."""
    stores = [n for n in walk(init) if isinstance(n, ast.Attribute) and n.attr == name and _is_store(n)]
    for statement in init.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Attribute) and target.attr == name and ast.unparse(target.value) == "self":
            return value if len(stores) == 1 else None
    return None


def _is_store(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store)


def _reads(method: Function, name: str) -> bool:
    """Whether a method reads `self.name` whatever else is true of the instance."""
    first = method.args.args[0].arg if method.args.args else ""
    for statement in method.body:
        top: list[ast.AST] = [statement]
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            top = [*statement.items, *statement.body]
        elif isinstance(statement, (ast.If, ast.While)):
            top = [statement.test]
        elif isinstance(statement, (ast.For, ast.AsyncFor)):
            top = [statement.iter]
        elif isinstance(statement, (ast.Try, *FUNCTIONS, ast.ClassDef)):
            top = []
        for node in (n for one in top for n in walk(one)):
            if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load):
                return isinstance(node.value, ast.Name) and node.value.id == first
    return False


def _reason(tree: Tree, names: Names, init: Function, value: ast.expr, dropped: tuple[str, ...]) -> str:
    """Why the constructor's expression cannot be repeated when the instance is loaded."""
    local = {a.arg for a in walk(init.args) if isinstance(a, ast.arg)} - {"self"}
    local |= {n.id for n in walk(init) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    made = f"`{tree.code(value).splitlines()[0]}`"
    for node in walk(value):
        if isinstance(node, ast.Name) and node.id in local:
            return f"{made} is made of `{node.id}`, which is gone when the instance is loaded"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self" and node.attr in dropped:
            return f"{made} is made of self.{node.attr}, which is left out too"
        if isinstance(node, ast.Call):
            symbol = names.of(node.func)
            plain = symbol.startswith(_HARMLESS) and (not symbol.startswith("builtins.") or symbol in _CONTAINERS)
            if not plain:
                return f"{made} does more than make a value: whether to repeat it on load is not for a tool to say"
        if isinstance(node, (ast.Lambda, ast.Await, ast.NamedExpr, ast.Yield, ast.YieldFrom)):
            return f"{made} cannot be repeated as it stands"
    return ""


def _place(tree: Tree, makes: ast.FunctionDef, name: str) -> Span:
    found = (n for n in walk(makes) if isinstance(n, ast.Constant) and str(n.value).endswith(name))
    return tree.span(next(found, makes))
