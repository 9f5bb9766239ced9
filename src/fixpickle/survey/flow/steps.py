"""The steps of a value's way: the places that keep it, and the variables from which it goes on."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fixpickle.survey.facts import Sink, ToCall, changed


@dataclass(frozen=True, slots=True)
class Via:
    """The value is what this variable holds from here on, or what a dictionary that it holds has under `key`.

    Of a `whole` one the variable's items do not hold it, as those of a `defaultdict` do not hold its factory.
    """

    scope: ast.AST
    name: str
    key: str = ""
    whole: bool = False


Step = Sink | Via


def keyed(steps: Iterable[Step], key: str, again: bool = True) -> Iterable[Step]:
    """The steps of a dictionary for what it has under `key`: unpacked, it is the argument of that name.

    Where `again` is false, what is under a key already stays under that one.
    """
    if not key:
        return steps
    return tuple(_under(step, key) if again or not isinstance(step, Via) or not step.key else step for step in steps)


def _under(step: Step, key: str) -> Step:
    if isinstance(step, Via):
        return replace(step, key=key)
    if isinstance(step, ToCall) and step.unpacked and step.position < 0 and not step.keyword:
        return changed(step, keyword=key, unpacked=False)
    return step


def key_written(node: ast.AST | None) -> str:
    """The key that an expression is, where it is a string in the source; empty for any other."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""
