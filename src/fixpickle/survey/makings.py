"""What objects get when they are made, and what only later, and which methods run in threads of their own.

A process is pickled as it starts, with the former.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, is_none

_MAKING = ("__new__", "__init__", "__post_init__")
_THREADS = {"threading.Thread": ("target", 1), "threading.Timer": ("function", 1)}


def set_later(tree: Tree, names: Names, cls: ast.ClassDef) -> frozenset[str]:
    """The attributes that neither the constructor of a class sets nor what that calls on `self`, but for None.

    Only of classes with bases: what has none is no process.
    """
    methods = {s.name: s for s in cls.body if isinstance(s, FUNCTIONS)}
    kept = names.attribute_values(cls) if cls.bases else {}
    making = _reached(names, methods, _MAKING) if kept else set()
    return frozenset(
        attribute
        for attribute, values in kept.items()
        if all(_method(tree, value) not in making for value in values if not is_none(value))
    )


def running(tree: Tree, names: Names, cls: ast.ClassDef) -> str:
    """A method of the class, or a function in one, that a thread runs from when an object is made.

    Nobody waits for it there, so it goes on beside whatever the object does. Empty where there is none.
    """
    started = [call for call in tree.within(cls, ast.Call) if names.of(call.func) in _THREADS]
    methods = {s.name: s for s in cls.body if isinstance(s, FUNCTIONS)} if started else {}
    making = _reached(names, methods, _MAKING)
    for call in started:
        keyword, position = _THREADS[names.of(call.func)]
        given = [k.value for k in call.keywords if k.arg == keyword] or call.args[position : position + 1]
        method = _method(tree, call)
        if not given or not isinstance(method, FUNCTIONS) or method not in making:
            continue
        waits = any(a.attr == "join" for a in tree.within(method, ast.Attribute))
        if not waits and (run := _run_by(names, cls, method, given[0])):
            return run
    return ""


def _run_by(names: Names, cls: ast.ClassDef, method: ast.AST, target: ast.expr) -> str:
    """The method of the class that a thread is given, or the function inside `method` that uses the object."""
    if isinstance(target, ast.Attribute) and names.instance_class(target.value) is cls:
        return target.attr
    own = {n.name: n for n in ast.walk(method) if isinstance(n, FUNCTIONS) and n is not method}
    inner = own.get(target.id) if isinstance(target, ast.Name) else target if isinstance(target, ast.Lambda) else None
    used = (n for n in ast.walk(inner) if isinstance(n, ast.Name)) if inner is not None else ()
    return getattr(inner, "name", "lambda") if any(names.instance_class(n) is cls for n in used) else ""


def _reached(names: Names, methods: Mapping[str, Function], first: Iterable[str]) -> set[Function]:
    """Those methods, and what they call on `self`, of the methods of the class."""
    pending = [methods[name] for name in first if name in methods]
    found = dict.fromkeys(pending)
    for method in pending:
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and node.attr in methods and names.instance_class(node.value):
                called = methods[node.attr]
                if called not in found:
                    found[called] = None
                    pending.append(called)
    return set(found)


def _method(tree: Tree, value: ast.AST) -> ast.AST | None:
    """The method in which a value stands, however many functions are between."""
    function = tree.function(value)
    while function is not None and not isinstance(tree.parents[function], ast.ClassDef):
        function = tree.function(function)
    return function
