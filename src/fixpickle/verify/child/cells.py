"""A notebook's cells, run one after the other in a `__main__` of their own, as a kernel runs them."""

from __future__ import annotations

import ast
import re
import sys
import types
from typing import Any, Iterator, Tuple

from .failure import Failure, told
from .world import Dumped, Json, World

_HEAD = re.compile(r"^# %% cell (\d+)\n\n", re.MULTILINE)
_COMMAND = re.compile(r"__ipython_magic_\d+__")


class Cells:
    """Crosses within one step: what the cells start finds what they define, or they fail."""

    def dump(self, world: World, task: Json) -> Dumped:
        cells = list(_cells(world.overlay.source(task["script"])))
        main = types.ModuleType("__main__")  # it has no file that a worker could run again
        for number, text in cells:
            for name in _commands(number, text):
                vars(main)[name] = _nothing
        former, sys.modules["__main__"] = sys.modules["__main__"], main
        try:
            with world.view():  # what cells start has no import hook
                for number, text in cells:
                    _run(number, text, main)
        finally:
            sys.modules["__main__"] = former
        return [], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return ""


def _cells(text: str) -> Iterator[Tuple[int, str]]:
    parts = _HEAD.split(text)
    return ((int(parts[at]), parts[at + 1]) for at in range(1, len(parts), 2))


def _commands(number: int, text: str) -> Iterator[str]:
    """The stand-ins for magic commands. Left out, they do nothing; what one of them gives cannot be had."""
    tree = ast.parse(text)
    alone = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Name) and _COMMAND.match(call.func.id):
            if id(call) not in alone:
                raise Failure("absent", "cell %d uses what a magic command gives, which needs IPython" % number)
            yield call.func.id


def _nothing() -> None:
    pass


def _run(number: int, text: str, main: types.ModuleType) -> None:
    try:
        exec(compile(text, "cell %d" % number, "exec", dont_inherit=True), vars(main))
    except BaseException as error:
        raise Failure("dump", "%s in cell %d" % (told(error), number)) from error
