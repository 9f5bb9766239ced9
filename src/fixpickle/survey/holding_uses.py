"""What the methods of a class do with one of its attributes, and whether it is made only when it is asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, block_of, is_none, walk

_IDLE = frozenset({".seek", ".tell", ".close", ".closed", ".fileno", ".name", ".mode", "is", "test"})
_TESTS = (ast.If, ast.IfExp, ast.While, ast.Assert)


@dataclass(frozen=True, slots=True)
class Laziness:
    """`lazy` where the attribute is None first and made under a test; `loose` is where it is used or set without."""

    lazy: bool
    loose: str = ""


def uses(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str) -> tuple[str, ...]:
    """The ways in which the attribute is used, each once, sorted.

    `.name` for a method or attribute of it and `.name=` for one that is set, `name()` for a builtin that it is handed
    to, `argument` for another function, `iterate`, `in`, `item`, `item=`, `item del`, `called`, `is`, `test`, `return`,
    and `other` for what could be anything, as where something else keeps it too. A file on which `seek` is called is
    used `onwards` where a method goes on from where another one left it, and what is put into a container is put there
    `on miss` where every function that does so looks the same key up before.
    """
    found = [(n, use_of(tree, names, n)) for n in _mentions(tree, names, cls, attribute) if _is_read(n)]
    seeks = [n for n, use in found if use == ".seek"]
    words = {use for _, use in found}
    if any(use not in _IDLE and not _after(tree, seeks, n) for n, use in found):
        words.add("onwards")
    if _on_miss(tree, found):
        words.add("on miss")
    return tuple(sorted(words)) if seeks else tuple(sorted(words - {"onwards"}))


def _on_miss(tree: Tree, found: list[tuple[ast.Attribute, str]]) -> bool:
    """Whether there are items set, and every one in a function that looks its key up further up."""
    looked_up = {(tree.function(n), key): n.lineno for n, use in reversed(found) if (key := _looked_up(tree, n, use))}
    made = [n for n, use in found if use == "item="]
    keys = [(tree.function(n), tree.code(tree.parents[n].slice), n.lineno) for n in made]  # type: ignore[attr-defined]
    return bool(keys) and all(looked_up.get((function, key), line) < line for function, key, line in keys)


def _looked_up(tree: Tree, node: ast.Attribute, use: str) -> str:
    """The key, as it is written, that a use of a container looks up; an empty string for other uses."""
    parent = tree.parents[node]
    if use == "in" and isinstance(parent, ast.Compare):
        return tree.code(parent.left)
    if use == "item" and isinstance(parent, ast.Subscript):
        return tree.code(parent.slice)
    call = tree.parents[parent]
    return tree.code(call.args[0]) if use == ".get" and isinstance(call, ast.Call) and call.args else ""


def _after(tree: Tree, seeks: list[ast.Attribute], node: ast.Attribute) -> bool:
    return any(s.lineno <= node.lineno and tree.function(s) is tree.function(node) for s in seeks)


def copied(tree: Tree, names: Names, cls: ast.ClassDef) -> bool:
    """Whether a method makes a shallow copy of its instance, which goes the way of pickle and shares attributes now."""
    calls = (n for n in tree.of(ast.Call) if len(n.args) == 1 and isinstance(n.args[0], ast.Name))
    return any(names.of(c.func) == "copy.copy" and names.instance_class(c.args[0]) is cls for c in calls)


def laziness(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str, value: ast.AST) -> Laziness:
    """Whether `value` is assigned to the attribute on demand: it is None first, and made where a test finds it so."""
    maker = tree.function(value)
    if not isinstance(maker, FUNCTIONS) or maker.name == "__init__" or not _none_first(tree, names, cls, attribute):
        return Laziness(False)
    guard = _guard(tree, names, cls, attribute, value)
    if guard is None:
        return Laziness(False)
    for other in names.attribute_values(cls).get(attribute, []):
        if not is_none(other) and _guard(tree, names, cls, attribute, other) is None:
            return Laziness(True, f"line {tree.span(other).line}")
    for node in _mentions(tree, names, cls, attribute):
        if _is_read(node) and not _certain(tree, names, cls, attribute, node, maker, guard):
            return Laziness(True, f"line {node.lineno}")
    return Laziness(True)


# --- mentions -------------------------------------------------------------------------------------------------------


def _mentions(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str) -> Iterator[ast.Attribute]:
    for node in tree.attributes(attribute):
        if names.instance_class(node.value) is cls:
            yield node


def _is_read(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def use_of(tree: Tree, names: Names, node: ast.Attribute | ast.Name) -> str:
    """What is done with a value where it is read, in the words of `uses`."""
    parent = tree.parents[node]
    if isinstance(parent, ast.Attribute):
        return f".{parent.attr}" + ("" if _is_read(parent) else "=")
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return "item" + {ast.Store: "=", ast.Del: " del"}.get(type(parent.ctx), "")
    if isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is node:
        return "iterate"
    if isinstance(parent, ast.Starred):
        return "iterate"
    if isinstance(parent, ast.Call):
        return "called" if parent.func is node else _argument(names, parent)
    if isinstance(parent, ast.Return):
        return "return"
    if isinstance(parent, ast.Compare) and len(parent.ops) == 1:
        if isinstance(parent.ops[0], (ast.Is, ast.IsNot)) and is_none(parent.comparators[0]):
            return "is"
        return "in" if isinstance(parent.ops[0], (ast.In, ast.NotIn)) and node in parent.comparators else "other"
    if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
        return "test"
    return "test" if isinstance(parent, _TESTS) and parent.test is node else "other"


def _argument(names: Names, call: ast.Call) -> str:
    """What is made with a call may keep its arguments; by custom, names of classes begin with a capital."""
    symbol = names.of(call.func)
    if symbol.startswith("builtins.") and "()" not in symbol:
        return f"{symbol.removeprefix('builtins.')}()"
    word = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return "other" if word[:1].isupper() else "argument"


# --- on demand ------------------------------------------------------------------------------------------------------


def _none_first(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str) -> bool:
    """Whether the constructor, or the body of the class, sets it to None."""
    for value in names.attribute_values(cls).get(attribute, []):
        if is_none(value) and getattr(tree.function(value), "name", "") == "__init__":
            return True
    for statement in cls.body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if is_none(statement.value) and any(isinstance(t, ast.Name) and t.id == attribute for t in targets):
                return True
    return False


def _absent(names: Names, cls: ast.ClassDef, attribute: str, test: ast.AST) -> bool:
    """Whether a test holds where the attribute is None: `self.x is None`, `not self.x`, either of those or more."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_absent(names, cls, attribute, v) for v in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _names_it(names, cls, attribute, test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is):
        return is_none(test.comparators[0]) and _names_it(names, cls, attribute, test.left)
    return False


def _present(names: Names, cls: ast.ClassDef, attribute: str, test: ast.AST) -> bool:
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.IsNot):
        return is_none(test.comparators[0]) and _names_it(names, cls, attribute, test.left)
    return _names_it(names, cls, attribute, test)


def _names_it(names: Names, cls: ast.ClassDef, attribute: str, node: ast.AST) -> bool:
    named = isinstance(node, ast.Attribute) and node.attr == attribute
    return named and names.instance_class(node.value) is cls  # type: ignore[attr-defined]


def _guard(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str, value: ast.AST) -> ast.stmt | None:
    """The statement whose test makes the assignment happen on demand only."""
    statement = tree.statement(value)
    child: ast.AST = statement
    for parent in tree.ancestors(statement):
        if isinstance(parent, ast.If) and child in parent.body and _absent(names, cls, attribute, parent.test):
            return parent
        for before in _earlier(parent, child):
            if not isinstance(before, ast.If) or not isinstance(before.body[-1], (ast.Return, ast.Raise)):
                continue
            if _present(names, cls, attribute, before.test):
                return before
        if isinstance(parent, FUNCTIONS):
            return None
        child = parent
    return None


def _earlier(parent: ast.AST, child: ast.AST) -> Iterable[ast.stmt]:
    """The statements before one, in its own block."""
    return takewhile(lambda statement: statement is not child, block_of(parent, child))


def _certain(
    tree: Tree,
    names: Names,
    cls: ast.ClassDef,
    attribute: str,
    node: ast.Attribute,
    maker: ast.FunctionDef | ast.AsyncFunctionDef,
    guard: ast.stmt,
) -> bool:
    """Whether a use is fine where the attribute is None again: it is the test, stands behind one, or makes it first."""
    function = tree.function(node)
    if function is maker:
        return node.lineno >= guard.lineno
    if function is None or use_of(tree, names, node) in ("is", "test"):
        return True
    for parent in tree.ancestors(node):
        if isinstance(parent, (*_TESTS, ast.BoolOp)) and _tested(tree, names, cls, attribute, parent):
            return True
        if parent is function:
            break
    made = (m for m in tree.attributes(maker.name) if m.lineno <= node.lineno and tree.function(m) is function)
    if any(names.instance_class(m.value) is cls for m in made):
        return True
    tests = (t for t in tree.attributes(attribute) if t.lineno < node.lineno and tree.function(t) is function)
    return any(_leaves(tree, names, t) for t in tests)


def _tested(tree: Tree, names: Names, cls: ast.ClassDef, attribute: str, parent: ast.AST) -> bool:
    tests = parent.values[:-1] if isinstance(parent, ast.BoolOp) else [parent.test]  # type: ignore[attr-defined]
    return any(_names_it(names, cls, attribute, n) for t in tests for n in walk(t))


def _leaves(tree: Tree, names: Names, test: ast.Attribute) -> bool:
    """Whether a test of the attribute ends the method where it is None."""
    statement = tree.statement(test)
    if not isinstance(statement, ast.If) or use_of(tree, names, test) not in ("is", "test"):
        return False
    return isinstance(statement.body[-1], (ast.Return, ast.Raise))
