"""How a class makes its pickled state and takes it back: `__getstate__` and `__setstate__`, where they can be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from fixpickle.survey.facts import StateHooks
from fixpickle.survey.tree import FUNCTIONS, Function, is_text, walk

_CALLS = frozenset({"copy.copy", "dict"})
_TO_NAME, _FROM_NAME = "to_name", "from_name"  # of our runtime module `names`
_MAKING = ("__getstate__", "__reduce__", "__reduce_ex__")


def refusing(cls: ast.ClassDef) -> str:
    """The hook of the class that does nothing but raise, so that its instances are not pickled on purpose, or ""."""
    for method in cls.body:
        if isinstance(method, FUNCTIONS) and method.name in _MAKING:
            body = [s for s in method.body if not is_text(s)]
            if body and isinstance(body[-1], ast.Raise) and all(isinstance(s, ast.Assign) for s in body[:-1]):
                return method.name
    return ""


def stated(cls: ast.ClassDef) -> tuple[str, ...]:
    """The attributes that the class' one pickling hook gives as they are: `return self.a, {"b": self.b}`."""
    hooks = [s for s in cls.body if isinstance(s, FUNCTIONS) and s.name in _MAKING]
    body = [s for s in hooks[0].body if not is_text(s)] if len(hooks) == 1 else []
    if len(body) != 1 or not isinstance(body[0], ast.Return) or not hooks[0].args.args:
        return ()
    return tuple(dict.fromkeys(_given(body[0].value, hooks[0].args.args[0].arg)))


def _given(node: ast.expr | None, owner: str) -> Iterator[str]:
    if isinstance(node, (ast.Tuple, ast.List)):
        for element in node.elts:
            yield from _given(element, owner)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _given(value, owner)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == owner:
        yield node.attr


def state_hooks(cls: ast.ClassDef) -> StateHooks | None:
    """What the class' own `__getstate__` and `__setstate__` do; None where it has neither."""
    methods = {s.name: s for s in cls.body if isinstance(s, FUNCTIONS)}
    makes, takes = methods.get("__getstate__"), methods.get("__setstate__")
    if makes is None and takes is None:
        return None
    dropped = _dropped(makes) if makes is not None else None
    return StateHooks(
        makes=makes is not None,
        copies=dropped is not None,
        dropped=tuple(_demangled(cls.name, name) for name in dropped or ()),
        takes=takes is not None,
        restores=takes is not None and _restores(takes),
        above=all(_asks_above(m) for m in (makes, takes) if m is not None),
        set_again=tuple(sorted(_set_again(takes))) if takes is not None else (),
        named=tuple(_demangled(cls.name, name) for name in _named(makes)) if makes is not None else (),
    )


def _asks_above(hook: Function) -> bool:
    """Whether a hook has that of the class above do its part."""
    return any(isinstance(n, ast.Call) and ast.unparse(n.func) == f"super().{hook.name}" for n in walk(hook))


def _demangled(cls: str, key: str) -> str:
    """The name that methods of the class write for the key of its dictionary."""
    private = f"_{cls.lstrip('_')}"
    return key.removeprefix(private) if key.startswith(f"{private}__") and not key.endswith("__") else key


# --- __getstate__ ---------------------------------------------------------------------------------------------------


def _dropped(function: Function) -> list[str] | None:
    """The keys that a copy of the state is given without, or with another value; None where it is no plain copy."""
    body = [s for s in function.body if not is_text(s)]
    if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
        return [] if _copied(body[0].value) else _filtered(body[0].value)
    if len(body) < 2 or not isinstance(body[0], (ast.Assign, ast.AnnAssign)) or body[0].value is None:
        return None
    target = body[0].targets[0] if isinstance(body[0], ast.Assign) else body[0].target
    last = body[-1]
    if not isinstance(target, ast.Name) or not isinstance(last, ast.Return):
        return None
    if not isinstance(last.value, ast.Name) or last.value.id != target.id:
        return None
    found = [] if _copied(body[0].value) else _filtered(body[0].value)
    for statement in body[1:-1]:
        keys = _keys(statement, target.id)
        if found is None or keys is None:
            return None
        found += keys
    return found


def _is_dict(node: ast.expr) -> bool:
    """`self.__dict__`, `vars(self)`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__" and isinstance(node.value, ast.Name)
    return isinstance(node, ast.Call) and ast.unparse(node) == "vars(self)"


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__getstate__"


def _copied(node: ast.expr) -> bool:
    """A new dictionary of what the instance, or its base, keeps."""
    if _is_super(node):
        return True
    if isinstance(node, ast.Dict):
        return node.keys == [None] and _is_dict(node.values[0])
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args:
        return _is_dict(node.func.value) or _is_super(node.func.value)
    called = ast.unparse(node.func) in _CALLS and len(node.args) == 1 and not node.keywords
    return called and (_is_dict(node.args[0]) or _is_super(node.args[0]))


def copies_state(node: ast.expr) -> bool:
    """Whether the expression is a new dictionary of what the instance, or its base, keeps, or of a part of that."""
    return _copied(node) or _filtered(node) is not None


def _filtered(node: ast.expr) -> list[str] | None:
    """The keys left out by `{k: v for k, v in self.__dict__.items() if k != "x"}`, or `k not in ("x", "y")`."""
    if not isinstance(node, ast.DictComp) or len(node.generators) != 1:
        return None
    loop = node.generators[0]
    items = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    if not isinstance(items, ast.Attribute) or items.attr != "items" or not _is_dict(items.value):
        return None
    found: list[str] = []
    for test in loop.ifs:
        if (
            not isinstance(test, ast.Compare)
            or len(test.ops) != 1
            or not isinstance(test.ops[0], (ast.NotEq, ast.NotIn))
        ):
            return None
        keys = _strings(test.comparators[0])
        if keys is None or ast.unparse(test.left) != ast.unparse(node.key):
            return None
        found += keys
    return found


def _keys(statement: ast.stmt, state: str) -> list[str] | None:
    """The keys a statement takes out of the state or sets to something else; None where it does anything more."""
    if isinstance(statement, ast.Delete):
        found = [_key(t, state) for t in statement.targets]
        return [k for k in found if k] if all(found) else None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        key = _key(statement.targets[0], state)
        return [key] if key else None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Attribute) and call.func.attr == _TO_NAME and len(call.args) == 2:
            return [] if ast.unparse(call.args[0]) == state else None
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "pop" or not call.args:
            return None
        return _strings(call.args[0]) if ast.unparse(call.func.value) == state else None
    if isinstance(statement, ast.If) and not statement.orelse:
        inner = [_keys(s, state) for s in statement.body]
        return [k for keys in inner if keys for k in keys] if all(keys is not None for keys in inner) else None
    return None


def _key(node: ast.expr, state: str) -> str:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == state:
        return _written(node)
    return ""


def _written(node: ast.Subscript) -> str:
    """The key between the brackets, where it is a string in the source."""
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else ""


def _strings(node: ast.expr) -> list[str] | None:
    items = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    found = [i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)]
    return found if len(found) == len(items) else None


# --- __setstate__ ---------------------------------------------------------------------------------------------------


def _restores(function: Function) -> bool:
    """Whether a statement of the body itself puts the whole state back, and the body runs to its end."""
    if any(isinstance(n, (ast.Return, ast.Yield, ast.Await)) for n in walk(function)):
        return False
    state = function.args.args[1].arg if len(function.args.args) > 1 else ""
    return any(_restoring(s, state) for s in function.body)


def _restoring(statement: ast.stmt, state: str) -> bool:
    if isinstance(statement, ast.Assign):
        return _is_dict(statement.targets[0]) and ast.unparse(statement.value) == state
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if [ast.unparse(a) for a in call.args] != [state] or not isinstance(call.func, ast.Attribute):
            return False
        updates = call.func.attr == "update" and _is_dict(call.func.value)
        return updates or ast.unparse(call.func) == "super().__setstate__"
    return False


def _named(function: Function) -> Iterator[str]:
    """The keys that our own function puts names in the place of, where there are modules or standard streams."""
    for node in walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == _TO_NAME:
            yield from _strings(ast.Tuple(node.args[1:], ast.Load())) or ()


def is_from_name(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it is a call of our own that gives an instance one attribute back, and does nothing else to it."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2
    return called and node.func.attr == _FROM_NAME  # type: ignore[attr-defined]


def _set_again(function: Function) -> Iterator[str]:
    """The attributes that the body itself sets, on the instance or in the state that it restores."""
    state = function.args.args[1].arg if len(function.args.args) > 1 else ""
    for node in function.body:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.attr != "__dict__":
                yield target.attr
            elif key := _key(target, state) or _own_key(target):
                yield key


def _own_key(target: ast.expr) -> str:
    """The attribute that `self.__dict__["x"] = ...` sets, past a `__setattr__` of the class."""
    return _written(target) if isinstance(target, ast.Subscript) and _is_dict(target.value) else ""
