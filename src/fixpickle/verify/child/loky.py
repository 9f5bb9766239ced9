"""A function's round trip through a real loky worker, in a list of lists, with the picklers that loky can be set to."""

from __future__ import annotations

import contextlib
import importlib
import operator
import sys
import types
from typing import Any, Dict, Iterator, Tuple

from .failure import Failure, expect, stage, told
from .modules import resolve
from .picklers import cloudpickle
from .prints import fingerprint
from .world import Dumped, Json, World


class Loky:
    """Crosses within one step: loky's own worker is the other interpreter."""

    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        try:
            library = importlib.import_module(task["library"])
        except ImportError as error:
            raise Failure("absent", "%s in %s" % (told(error), sys.executable)) from error
        with stage("build"):
            things = {name: resolve(module, name) for name in task["names"]}
            view = world.view()
        by_value = task["by_value"]
        picklers = ("",) if by_value else ("", "pickle")
        with stage("dump"), view, _by_value(module) if by_value else contextlib.nullcontext():
            for name, thing in things.items():
                whole = isinstance(thing, (types.FunctionType, type))
                expect(whole, "%s.%s is a %s and no function" % (task["module"], name, type(thing).__name__))
            for name, back in self._trips(library, things, picklers):
                same = fingerprint(back) == fingerprint(things[name]) if by_value else back is things[name]
                expect(same, "%s.%s arrives as another object" % (task["module"], name))
        return [], {}

    def _trips(self, library: Any, things: Dict[str, Any], picklers: Tuple[str, ...]) -> Iterator[Tuple[str, Any]]:
        executor = library.get_reusable_executor(max_workers=1)
        try:
            for pickler in picklers:
                library.set_loky_pickler(pickler or None)
                for name, thing in things.items():
                    # The worker takes it out of the outer list, so it was loaded there, and sends it back.
                    yield name, executor.submit(operator.itemgetter(0), [[thing]]).result()[0]
        finally:
            library.set_loky_pickler()
            executor.shutdown(wait=True, kill_workers=True)

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return ""


@contextlib.contextmanager
def _by_value(module: types.ModuleType) -> Iterator[None]:
    """As what a script defines travels, which no worker can import."""
    tool = cloudpickle()
    if not hasattr(tool, "register_pickle_by_value"):
        raise Failure(
            "absent", "cloudpickle in %s is older than 2.0 and cannot ship a module by value" % sys.executable
        )
    tool.register_pickle_by_value(module)
    try:
        yield
    finally:
        tool.unregister_pickle_by_value(module)
