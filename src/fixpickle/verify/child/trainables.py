"""What Ray Tune is given: a function or class to run, pickled as Tune pickles it, and calls in today's form.

No cluster is started: Tune makes a class of the function, and pickles that class before any trial begins.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, Iterator

from .failure import Failure, expect, stage, told
from .modules import resolve
from .scripts import run_as_main
from .world import Dumped, Json, World

_open = io.open


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


class Trial:
    """Crosses within one step: a script is run in a process of its own, and one trial of what it gives Tune in Ray."""

    def __init__(self) -> None:
        self._met: Dict[str, Json] = {}  # a child sees one state of the files: one run of a script is enough

    def dump(self, world: World, task: Json) -> Dumped:
        script = task["script"]
        if script not in self._met:
            self._met[script] = self._run(world, script)
        found = self._met[script]
        if "error" in found:
            raise Failure(found["stage"], found["error"])
        return [], found

    def _run(self, world: World, path: str) -> Json:
        folder = tempfile.mkdtemp(prefix="trial-", dir=world.scratch)
        with stage("build"):
            script = self._in_view(world, path, os.path.join(folder, "view"))
        answer = os.path.join(folder, "answer.json")
        command = [sys.executable, os.path.join(os.path.dirname(__file__), "trial.py"), script, answer, folder]
        paths = [os.path.dirname(script), *filter(None, [os.environ.get("PYTHONPATH")])]
        # Ray keeps sockets there, and the path of a socket must be short.
        short = tempfile.mkdtemp(prefix="ray-", dir="/tmp" if os.path.isdir("/tmp") else None)
        known = {"PYTHONPATH": os.pathsep.join(paths), "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": short}
        try:
            subprocess.run(
                command,
                cwd=os.path.dirname(path),
                env={**os.environ, **known},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        finally:
            shutil.rmtree(short, ignore_errors=True)
        if not os.path.exists(answer):
            return {"stage": "died", "error": "the process that ran the script ended without a word"}
        with _open(answer, encoding="utf-8") as file:
            found: Json = json.load(file)
        return found

    def _in_view(self, world: World, script: str, view: str) -> str:
        """The script as it is on this side, with all that lies beside it; Ray's workers have no import hook."""
        root = os.path.dirname(script)
        world.overlay.materialise(root, view)
        if not os.path.isdir(view):
            return script
        place = os.path.join(view, os.path.basename(script))
        text = world.overlay.source(script)
        if os.path.islink(place):
            os.unlink(place)
        with _open(place, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        return place

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return "%s reported %d time%s" % (facts["trial"], facts["reports"], "" if facts["reports"] == 1 else "s")


class Call:
    """Whether what is called takes such arguments. Nothing is called, and nothing is loaded."""

    def dump(self, world: World, task: Json) -> Dumped:
        namespace = vars(world.modules.get(task["module"]))
        call: Any = ast.parse(task["call"], mode="eval").body

        def value(node: Any) -> Any:
            try:
                return eval(compile(ast.Expression(node), "<call>", "eval"), namespace)
            except ImportError as error:
                raise Failure("absent", "%s in %s" % (told(error), sys.executable)) from error

        with stage("dump"):
            named = {keyword.arg: value(keyword.value) for keyword in call.keywords}
            inspect.signature(value(call.func)).bind(*map(value, call.args), **named)
        return [], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return ""
