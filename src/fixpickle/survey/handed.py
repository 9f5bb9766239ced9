"""Instances handed to calls which may pickle them, by the class that made them: `pool.map(Worker().run, xs)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Handed
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree

_WRAPPERS = frozenset({"delayed", "partial"})


@cache
def _tails() -> frozenset[str]:
    """The last words of every boundary's name: most calls are none of these, which is cheap to see."""
    return _WRAPPERS | frozenset(name.rpartition(".")[2] for name in catalogue().boundaries)


def handed(tree: Tree, names: Names, flow: Flow) -> Iterator[Handed]:
    """Every argument of such a call that is an instance, or a bound method of one."""
    for node in tree.nodes:
        if not isinstance(node, ast.Call) or _word(node.func) not in _tails():
            continue
        for argument in _arguments(node):
            symbol = names.of(argument) if isinstance(argument, (ast.Name, ast.Attribute, ast.Call)) else ""
            owner, made, _ = symbol.partition("()")
            if made and not owner.startswith("builtins.") and (sinks := flow.of(argument)):
                yield Handed(owner, sinks)


def _word(callee: ast.expr) -> str:
    return callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    for argument in (*call.args, *(k.value for k in call.keywords)):
        yield from argument.elts if isinstance(argument, (ast.Tuple, ast.List)) else (argument,)
