"""Runs the project's tests, or another program, and keeps the instances of some classes that are made on the way."""

from __future__ import annotations

import contextlib
import functools
import os
import runpy
import sys
from typing import Any, Dict, Iterator, List, Tuple

from .failure import Failure
from .modules import resolve
from .world import Json, World

MOST = 5
"""Instances of one class that are kept."""


def harvest(world: World, task: Json) -> Json:
    """Fills `world.met` with instances by module and class: what the command makes of the classes in `task["watch"]`.

    Whatever becomes of the command, the instances count. It runs in this process, in `task["root"]`.
    """
    if world.met is None:
        _met(world, task)
    return {"stage": "crossed", "note": ""}


def _met(world: World, task: Json) -> None:
    world.met = {}
    with contextlib.ExitStack() as stack:
        for module, name in task["watch"]:
            with contextlib.suppress(Failure, AttributeError):
                cls = resolve(world.modules.get(module), name)
                stack.enter_context(_watched(cls, world.met.setdefault((module, name), [])))
        stack.enter_context(_elsewhere(task["root"], task["command"]))
        with contextlib.suppress(BaseException):
            _run(world, list(task["command"]))


@contextlib.contextmanager
def _watched(cls: Any, met: List[Any]) -> Iterator[None]:
    """Keeps the first instances of exactly this class, once their constructor is done."""
    own, original = vars(cls).get("__init__"), cls.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if type(self) is cls and len(met) < MOST and not any(one is self for one in met):
            met.append(self)

    cls.__init__ = __init__
    try:
        yield
    finally:
        if own is None:
            del cls.__init__
        else:
            cls.__init__ = own


@contextlib.contextmanager
def _elsewhere(root: str, command: List[str]) -> Iterator[None]:
    argv, here, path = list(sys.argv), os.getcwd(), list(sys.path)
    os.chdir(root)
    sys.argv[:] = command
    try:
        yield
    finally:
        os.chdir(here)
        sys.argv[:] = argv
        sys.path[:] = path


def _run(world: World, command: List[str]) -> None:
    """`pytest ...`, `python -m module ...` or `python file.py ...`, without a process of its own."""
    name, rest = os.path.basename(command[0]), command[1:]
    if name.startswith("python"):
        if rest[:1] != ["-m"]:
            sys.argv[:] = rest
            runpy.run_path(rest[0], run_name="__main__")
            return
        name, rest = rest[1], rest[2:]
    sys.argv[:] = [name, *rest]
    if name in ("pytest", "py.test"):
        pytest: Any = __import__("pytest")
        pytest.main(["-p", "no:cacheprovider", *rest], plugins=[_Progress(world)])
    else:
        runpy.run_module(name, run_name="__main__", alter_sys=True)


class _Progress:
    """A plugin of pytest that tells of each test: the time limit is for one, not for all."""

    def __init__(self, world: World) -> None:
        self.world = world

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.world.modules.answers.write(test=nodeid)


def met(world: World, task: Json) -> List[Any]:
    """The instances of a task's class. Raises TypeError where there is none."""
    known: Dict[Tuple[str, str], List[Any]] = world.met or {}
    found = known.get((task["module"], task["cls"]), [])
    if not found:
        raise TypeError("no instance of %s was made by the command of prove-with" % task["cls"])
    return found
