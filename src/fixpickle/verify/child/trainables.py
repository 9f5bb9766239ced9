"""What Ray Tune is given: a function or class to run, pickled as Tune pickles it, and calls in today's form.

No cluster is started: Tune makes a class of the function, and pickles that class before any trial begins.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import sys
from typing import Any, Iterator

from .failure import Failure, expect, stage, told
from .modules import resolve
from .scripts import run_as_main
from .world import Dumped, Json, World


class Trainable:
    """A function or class that Tune runs, as the value of a name in a module or in a script's `__main__`."""

    def dump(self, world: World, task: Json) -> Dumped:
        with self._namespace(world, task) as namespace:
            pickler, functions = _ray("ray.cloudpickle"), _ray("ray.tune.trainable.function_trainable")
            with stage("build"):
                thing = resolve(namespace, task["name"])
                made = thing if isinstance(thing, type) else functions.wrap_function(thing)
            with stage("dump"):
                return [pickler.dumps(made)], {"name": made.__name__, "steps": _steps(made)}

    @contextlib.contextmanager
    def _namespace(self, world: World, task: Json) -> Iterator[Any]:
        if not task["script"]:
            yield world.modules.get(task["module"])
            return
        with run_as_main(task["script"], task["text"]) as main:
            yield main

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        made = loaded[0]
        expect(isinstance(made, type), "it arrives as %s, not as a class" % type(made).__name__)
        expect(made.__name__ == facts["name"], "it arrives as %s" % made.__name__)
        expect(_steps(made) == facts["steps"], "it arrives without some of its methods")
        return ""


def _ray(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Failure("absent", "%s in %s" % (told(error), sys.executable)) from error


def _steps(made: Any) -> Any:
    """Which of the methods that a trial calls the class has."""
    names = ("setup", "step", "save_checkpoint", "load_checkpoint", "reset_config", "cleanup", "_trainable_func")
    return [name for name in names if callable(getattr(made, name, None))]


class Call:
    """Whether what is called takes such arguments. Nothing is called, and nothing is loaded."""

    def dump(self, world: World, task: Json) -> Dumped:
        namespace = vars(world.modules.get(task["module"]))
        call: Any = ast.parse(task["call"], mode="eval").body

        def value(node: Any) -> Any:
            return eval(compile(ast.Expression(node), "<call>", "eval"), namespace)

        with stage("dump"):
            named = {keyword.arg: value(keyword.value) for keyword in call.keywords}
            inspect.signature(value(call.func)).bind(*map(value, call.args), **named)
        return [], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return ""
