"""Modules, standard streams and cached functions that a variable may hold besides what callers choose."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fixpickle.survey.facts import Family
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.stores import FIELDED
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, attribute_declared

STREAMS = frozenset(f"sys.{name}" for name in ("stdout", "stderr", "stdin", "__stdout__", "__stderr__", "__stdin__"))
_LIBRARY = Path(os.__file__).parent
_FALLBACKS = {"get": 1, "pop": 1, "getattr": 2}
"""Calls that give their last argument where there is nothing else, and how many others come before it."""
_CACHES = frozenset({"functools.lru_cache()", "functools.cache"})
_STEPS = 5  # names that stand for names, and expressions in expressions
_DRIVER_GLOBALS = frozenset({"apilevel", "paramstyle", "threadsafety"})
"""Source: PEP 249, https://peps.python.org/pep-0249/#globals"""

_NO_FIELD = re.compile(r"(typing\.|dataclasses\.)?(ClassVar|InitVar)\b")
_EITHER = frozenset({"typing.Optional", "typing.Union"})


class Named(NamedTuple):
    """Of which of the three families it is, and its symbolic name.

    It is not `sure` where a file imports it from a package: that is a module of the project, or no module at all.
    """

    family: Family
    symbol: str
    sure: bool = True


ANY_MODULE = Named(Family.MODULE, "types.ModuleType")


class Field(NamedTuple):
    """A field of a dataclass or its like, its default or, without one, its statement, and what it may hold."""

    name: str
    place: ast.AST
    kept: Named


class Choices:
    """What the expressions of one file may give, as far as it is a module, a standard stream or a cached function."""

    def __init__(self, tree: Tree, names: Names, flow: Flow) -> None:
        self.tree, self.names, self.flow = tree, names, flow
        dotted = [i.module for i in names.imports if i.whole and "." in i.module and i.local == i.target]
        self._modules = frozenset({"os.path", *dotted})

    def of(self, node: ast.AST, steps: int = _STEPS) -> Iterator[Named]:
        """What of the kind an expression may give, nearest first; what else it may give is not asked."""
        if isinstance(node, ast.Name):
            yield from self._of_name(node, steps)
        elif isinstance(node, ast.Attribute):
            symbol = self.names.of(node)
            if symbol in STREAMS:
                yield Named(Family.STREAM, symbol)
            elif symbol in self._modules:
                yield Named(Family.MODULE, symbol)
        elif isinstance(node, ast.IfExp):
            yield from (*self.of(node.body, steps - 1), *self.of(node.orelse, steps - 1))
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self.of(value, steps - 1)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, steps)
        elif isinstance(node, ast.Dict) and steps == _STEPS:  # what an attribute is, and not what is taken out of it
            for value in node.values:
                yield from self.of(value, steps - 1)
        elif isinstance(node, ast.Subscript) and self.names.of(node.value) == "sys.modules":
            yield ANY_MODULE

    def imported(self, node: ast.AST) -> Named | None:
        """What a name stands for that nothing but `from package import name` binds: a module, or no module at all."""
        found = self.flow.variables.values(node) if isinstance(node, ast.Name) else ()
        symbol = self.names.of(node) if found else ""
        if not symbol or symbol in STREAMS or not all(isinstance(bound, ast.ImportFrom) for bound in found):
            return None
        return Named(Family.MODULE, symbol, _of_library(symbol))

    def fields(self, cls: ast.ClassDef) -> Iterator[Field]:
        """Those fields of a dataclass or its like whose default or annotation is of the kind."""
        if not any(self.names.of(d).removesuffix("()") in FIELDED for d in cls.decorator_list):
            return
        for statement in cls.body:
            name, note = attribute_declared(statement), getattr(statement, "annotation", None)
            value = getattr(statement, "value", None)
            unsaid = note is None and not isinstance(value, ast.Call)
            if not name or unsaid or (note is not None and _NO_FIELD.match(ast.unparse(note).strip("'"))):
                continue
            if isinstance(value, ast.Call):
                value = next((k.value for k in value.keywords if k.arg == "default"), None)
            said = ANY_MODULE if note is not None and self.says_module(note) else None
            kept = next(self.of(value), said) if value is not None else said
            if kept is not None:
                yield Field(name, statement if value is None else value, kept)

    def _of_call(self, call: ast.Call, steps: int) -> Iterator[Named]:
        symbol = self.names.of(call.func)
        if symbol in _CACHES and len(call.args) == 1 and not call.keywords:
            yield Named(Family.MEMO, symbol.removesuffix("()"))
            return
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if len(call.args) == _FALLBACKS.get(name, 0) + 1 > 1 and not call.keywords:
            yield from self.of(call.args[-1], steps - 1)

    def _of_name(self, name: ast.Name, steps: int) -> Iterator[Named]:
        symbol = self.names.of(name)
        if symbol in STREAMS:
            yield Named(Family.STREAM, symbol)
            return
        for bound in self.flow.variables.values(name) if steps > 0 else ():
            if isinstance(bound, ast.Import):
                yield Named(Family.MODULE, symbol or name.id)
            elif isinstance(bound, ast.ImportFrom) and symbol and steps < _STEPS:  # not what is kept under its own name
                yield Named(Family.MODULE, symbol, _of_library(symbol))
            elif isinstance(bound, ast.arg):
                yield from self._of_parameter(bound, steps - 1)
            elif isinstance(bound, ast.expr):
                yield from self.of(bound, steps - 1)

    def _of_parameter(self, parameter: ast.arg, steps: int) -> Iterator[Named]:
        function = self.tree.parents[self.tree.parents[parameter]]
        if not isinstance(function, FUNCTIONS):
            return
        default = _default(function.args, parameter)
        if default is not None:
            yield from self.of(default, steps)
        said = parameter.annotation is not None and self.says_module(parameter.annotation)
        if said or self._asked_for_globals(function, parameter.arg):
            yield ANY_MODULE

    def _asked_for_globals(self, function: ast.AST, name: str) -> bool:
        """Whether what every module of a database driver has, and hardly anything else, is read of a parameter."""
        for node in (self.tree.parents[use] for use in self.flow.variables.loads(function, name)):
            if isinstance(node, ast.Attribute) and node.attr in _DRIVER_GLOBALS:
                within = self.tree.parents[node]
                return not (isinstance(within, ast.Call) and within.func is node)  # they are numbers and strings
        return False

    def says_module(self, annotation: ast.AST) -> bool:
        """Whether an annotation is `ModuleType`, or that or something else."""
        if isinstance(annotation, ast.BinOp):
            return self.says_module(annotation.left) or self.says_module(annotation.right)
        if isinstance(annotation, ast.Subscript) and self.names.of(annotation.value) in _EITHER:
            inner = annotation.slice
            return any(map(self.says_module, inner.elts if isinstance(inner, ast.Tuple) else [inner]))
        return self.names.of(annotation) == "types.ModuleType"


def _of_library(symbol: str) -> bool:
    """Whether it is a module in a package of the standard library: `xml.etree.ElementTree`, not `json.dumps`."""
    top, *below = symbol.split(".")
    if symbol == "os.path" or top not in sys.stdlib_module_names or not all(part.isidentifier() for part in below):
        return symbol == "os.path"
    place = _LIBRARY.joinpath(top, *below)
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def _default(arguments: ast.arguments, parameter: ast.arg) -> ast.expr | None:
    positional = [*arguments.posonlyargs, *arguments.args]
    if parameter in positional:
        at = positional.index(parameter) - len(positional)
        return arguments.defaults[at] if -at <= len(arguments.defaults) else None
    return arguments.kw_defaults[arguments.kwonlyargs.index(parameter)] if parameter in arguments.kwonlyargs else None
