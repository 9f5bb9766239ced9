"""Flaws in the hooks that pickle a class' instances, as far as the class' own body shows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.model import Span
from fixpickle.survey.containers import container_flaws
from fixpickle.survey.facts import Flaw, Harm
from fixpickle.survey.hooks import copies_state, state_hooks
from fixpickle.survey.lookups import lookup_flaws
from fixpickle.survey.names import Names
from fixpickle.survey.remakes import forgotten
from fixpickle.survey.tree import FUNCTIONS, Tree, is_text, walk

_HOOKS = frozenset({"__getstate__", "__setstate__", "__getattr__"})
_CONTENTS = ("self.__dict__", "vars(self)")


def flaws(tree: Tree, names: Names, cls: ast.ClassDef) -> tuple[Flaw, ...]:
    """The flaws of one class. Most classes have none of the hooks, and cost one look at their statements."""
    methods = {s.name: s for s in cls.body if isinstance(s, ast.FunctionDef)}
    found: list[Flaw] = []
    if _HOOKS & methods.keys():
        makes, takes = methods.get("__getstate__"), methods.get("__setstate__")
        if makes is not None and len(makes.args.args) == 1 and makes.args.args[0].arg == "self":
            found += _of_making(tree, names, cls, makes)
        if takes is not None:
            found += _passed_over_taking(tree, cls, takes)
        found += lookup_flaws(tree, names, cls)
    found += container_flaws(tree, names, cls)
    return tuple(found)


def _of_making(tree: Tree, names: Names, cls: ast.ClassDef, makes: ast.FunctionDef) -> Iterator[Flaw]:
    silent = _silent(tree, makes)
    if silent is not None:
        yield silent
        return
    damage = _damage(tree, cls, makes)
    if damage is not None:
        yield damage
        return
    yield from _passed_over_making(tree, cls, makes)
    yield from _slotless(tree, cls, makes)
    yield from forgotten(tree, names, cls, makes)


# --- no return ------------------------------------------------------------------------------------------------------


def _silent(tree: Tree, makes: ast.FunctionDef) -> Flaw | None:
    """A state that every statement from its making on is about, and that the method ends without returning."""
    body = [s for s in makes.body if not is_text(s)]
    if not body or not _runs_on(body[-1]):
        return None
    first = next((i for i, s in enumerate(body) if (name := _bound(s)) and _is_state(s)), None)
    if first is None:
        return None
    name = _bound(body[first])
    returns = [n for n in walk(makes) if isinstance(n, ast.Return)]
    if any(not isinstance(r.value, ast.Name) or r.value.id != name for r in returns) or _yields(makes):
        return None
    rest = body[first + 1 :]
    if not rest or not all(_is_about(s, name) for s in rest) or any(_bound(s) == name for s in rest):
        return None
    filtered = [n.value for n in walk(body[first]) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    left_out = tuple(dict.fromkeys([*filtered, *(k for s in rest for k in _named_keys(s, name))]))
    return Flaw(Harm.SILENT, makes.name, header(tree, makes), left_out, name, "")


def _bound(statement: ast.stmt) -> str:
    """The one local name that a statement binds."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _is_state(statement: ast.stmt) -> bool:
    """Whether what is bound is made of the instance's dictionary, or of the base's state."""
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    return value is not None and copies_state(value)


def _is_about(statement: ast.stmt, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walk(statement))


def _runs_on(statement: ast.stmt) -> bool:
    """Whether the method can end behind that statement: what is not plain is taken to return by itself."""
    if isinstance(statement, ast.If):
        return not statement.orelse or _runs_on(statement.body[-1]) or _runs_on(statement.orelse[-1])
    return isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Delete, ast.Expr, ast.For))


def _named_keys(statement: ast.stmt, name: str) -> Iterator[str]:
    """The constant keys of the state that a statement mentions."""
    for node in walk(statement):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
            keys: list[ast.expr] = [node.slice]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.pop":
            keys = node.args[:1]
        else:
            continue
        yield from (k.value for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str))


def _yields(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in walk(function))


def header(tree: Tree, function: ast.FunctionDef) -> Span:
    """The stretch `def name`."""
    start = tree.offset(function.lineno, function.col_offset)
    return Span(start, tree.text.index(function.name, start) + len(function.name), *tree.position(start))


# --- the live instance ----------------------------------------------------------------------------------------------


def _damage(tree: Tree, cls: ast.ClassDef, makes: ast.FunctionDef) -> Flaw | None:
    """Keys or attributes taken from the instance itself, whose dictionary is then returned."""
    body = [s for s in makes.body if not is_text(s)]
    if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
        return None
    contents = [*_CONTENTS]
    returned = ast.unparse(body[-1].value)
    if name := _bound(body[0]):
        value = body[0].value if isinstance(body[0], (ast.Assign, ast.AnnAssign)) else None
        if value is not None and ast.unparse(value) in _CONTENTS:
            contents = [name]
            body = body[1:]
    if returned not in contents and returned not in [f"{c}.copy()" for c in contents]:
        return None
    body = [*_flat(body[:-1])]
    taken = [_taken(s, contents) for s in body]
    lost = [k for keys in taken for k in keys or ()]
    if not lost:
        return None
    private = f"_{cls.name.lstrip('_')}"
    named = tuple(dict.fromkeys(k.removeprefix(private) if k.startswith(f"{private}__") else k for k in lost))
    reason = ""
    if any(keys is None for keys in taken):
        other = next(s for s, keys in zip(body, taken, strict=False) if keys is None)
        line = tree.code(other).split("\n")[0]
        if not _acts_on(other, lost):
            return None
        reason = f"`{line}` shows that it is done on purpose: the instance is closed when it is pickled"
    set_ = any(isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load) for s in body for n in walk(s))
    return Flaw(Harm.DAMAGE, makes.name, header(tree, makes), named, f"{contents[0]}{' set' * set_}", reason)


def _taken(statement: ast.stmt, contents: list[str]) -> list[str] | None:
    """The attributes that a statement deletes from the instance or sets to None; None where it does anything else."""
    if isinstance(statement, ast.Delete):
        found = [_place(t, contents) for t in statement.targets]
        return found if all(found) else None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        place = _place(statement.targets[0], contents)
        blank = isinstance(statement.value, ast.Constant) and statement.value.value is None
        return [place] if place and blank else None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if ast.unparse(call.func) in [f"{c}.pop" for c in contents] and call.args:
            key = call.args[0]
            return [key.value] if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        return None
    return None


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, and those under an `if` in place of it."""
    for statement in body:
        if isinstance(statement, ast.If) and not statement.orelse:
            yield from _flat(statement.body)
        else:
            yield statement


def _place(node: ast.expr, contents: list[str]) -> str:
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
        return node.attr
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in contents and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


def _acts_on(statement: ast.stmt, lost: list[str]) -> bool:
    """Whether a statement calls something on an attribute that is then taken away, as in `self.file.close()`."""
    calls = [n.func for n in walk(statement) if isinstance(n, ast.Call)]
    return any(isinstance(f, ast.Attribute) and ast.unparse(f.value) in [f"self.{k}" for k in lost] for f in calls)


# --- bases and slots ------------------------------------------------------------------------------------------------


def _passed_over_making(tree: Tree, cls: ast.ClassDef, makes: ast.FunctionDef) -> Iterator[Flaw]:
    """The expression that copies the dictionary where the base's `__getstate__` may have to be asked."""
    hooks = state_hooks(cls)
    if not cls.bases or hooks is None or not hooks.copies:
        return
    for node in walk(makes):
        if isinstance(node, ast.Call) and ast.unparse(node) in _COPIES:
            yield Flaw(Harm.PASSED_OVER, makes.name, tree.span(node), hooks.dropped, "", "")


_COPIES = frozenset(
    {"self.__dict__.copy()", "dict(self.__dict__)", "copy.copy(self.__dict__)", "vars(self).copy()", "dict(vars(self))"}
)


def _passed_over_taking(tree: Tree, cls: ast.ClassDef, takes: ast.FunctionDef) -> Iterator[Flaw]:
    """The statement that puts the whole state into the dictionary where the base's `__setstate__` may have to do it."""
    hooks = state_hooks(cls)
    if not cls.bases or hooks is None or not hooks.restores or len(takes.args.args) != 2:
        return
    state = takes.args.args[1].arg
    for statement in takes.body:
        if ast.unparse(statement) in (f"self.__dict__.update({state})", f"self.__dict__ = {state}"):
            yield Flaw(Harm.PASSED_OVER, takes.name, tree.span(statement), hooks.set_again, state, "")


def _slotless(tree: Tree, cls: ast.ClassDef, makes: ast.FunctionDef) -> Iterator[Flaw]:
    """A dictionary made of slots, which pickle can only put into a `__dict__` without a `__setstate__`."""
    methods = {s.name for s in cls.body if isinstance(s, FUNCTIONS)}
    slotted = any("__slots__" in _assigned(s) for s in cls.body)
    if not slotted or "__setstate__" in methods:
        return
    last = makes.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    if isinstance(value, (ast.Dict, ast.DictComp)) and not (isinstance(value, ast.Dict) and not value.keys):
        yield Flaw(Harm.SLOTS, makes.name, header(tree, makes), (), "", "")


def _assigned(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Assign):
        yield from (t.id for t in statement.targets if isinstance(t, ast.Name))
