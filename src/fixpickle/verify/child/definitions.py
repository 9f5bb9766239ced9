"""Definitions as subjects: they must arrive as what the other side imports under their name.

A dump gives (parcels, facts): the pickles, and what the loading side needs to know to judge them. Facts are JSON.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import pickle
import sys
import types
from typing import Any

from .boundaries import boundary_note, with_boundary
from .failure import Failure, expect, stage, told
from .modules import blank, resolve
from .picklers import cloudpickle, decoded, dumps, encoded, protocols
from .prints import find_code, fingerprint, parameters
from .world import Dumped, Json, World


class Reference:
    def dump(self, world: World, task: Json) -> Dumped:
        return self.before(world, task) if world.side == "before" else self.after(world, task)

    def before(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        parcels = []
        with contextlib.suppress(AttributeError):  # a name of its own is the change's doing, and may not be there yet
            parcels.append(dumps(resolve(module, task["name"]), "pickle"))
        with stage("build"):
            made = self._original(world, module, task)
        return parcels + [dumps(made, "pickle")], {}

    def _original(self, world: World, module: types.ModuleType, task: Json) -> Any:
        path = str(module.__file__)
        code, qualname = find_code(world.overlay.code(path), task["origin"], task["line"])
        if code.co_flags & inspect.CO_OPTIMIZED:
            cells = tuple(types.CellType() for _ in code.co_freevars)
            made: Any = types.FunctionType(code, vars(module), code.co_name, None, cells)
        else:
            made = types.new_class(code.co_name)
        made.__qualname__, made.__module__ = qualname, module.__name__
        return blank(made) if isinstance(made, type) else made

    def after(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            thing = resolve(module, task["name"])
            facts: Json = {"print": fingerprint(thing)}
        parcels = [dumps(thing, "pickle", protocol) for protocol in protocols()]
        if task["bound"]:
            parcels.append(dumps(functools.partial(thing, *[None] * task["bound"]), "pickle"))
        if isinstance(thing, type):
            facts["instance"] = self._instance(thing)
        facts["boundary"] = with_boundary(world, world.also, task["boundary"], thing)
        return parcels, facts

    def _instance(self, cls: type) -> Json:
        """An empty instance may be unpicklable for being empty, so it never decides: its pickle, or the error."""
        try:
            return {"parcel": encoded(dumps(blank(cls), "pickle"))}
        except BaseException as error:
            return {"error": getattr(error, "error", told(error))}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        if "print" not in facts:
            return ""
        thing = resolve(world.modules.get(task["module"]), task["name"])
        for one in loaded:
            if isinstance(one, functools.partial) and one.func is thing:
                expected = (facts["print"][2] or [])[task["bound"] :]
                expect(parameters(one) == expected, "bound arguments leave %s" % inspect.signature(one))
            else:
                expect(one is thing, "it arrives as another object than %s.%s" % (task["module"], task["name"]))
        expect(fingerprint(thing) == facts["print"], "its code or signature differs on the other side")
        also = self._arrived(thing, facts["instance"]) if "instance" in facts else ""
        return "; ".join(filter(None, (also, boundary_note(world, facts["boundary"]))))

    def _arrived(self, cls: type, instance: Json) -> str:
        if "parcel" in instance:
            try:
                expect(type(pickle.loads(decoded(instance["parcel"]))) is cls, "it arrives as another type")
                return "and an empty instance of it"
            except BaseException as error:
                instance = {"error": told(error)}
        return "an empty instance of it does not cross: %s" % instance["error"]


class Identity:
    def dump(self, world: World, task: Json) -> Dumped:
        with stage("build"):
            thing = resolve(world.modules.get(task["module"]), task["name"])
        return [dumps(thing, "pickle", protocol) for protocol in protocols()], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        thing = resolve(world.modules.get(task["module"]), task["name"])
        same = all(one is thing for one in loaded)
        expect(same, "it arrives as another object than %s.%s" % (task["module"], task["name"]))
        return ""


class Value:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        tool = cloudpickle()
        with stage("build"):
            thing = resolve(module, task["name"])
        if not hasattr(tool, "register_pickle_by_value"):
            raise Failure(
                "absent", "cloudpickle in %s is older than 2.0 and cannot ship a module by value" % sys.executable
            )
        tool.register_pickle_by_value(module)
        try:
            return [dumps(thing, "cloudpickle")], {"qualname": _called(thing)}
        finally:
            tool.unregister_pickle_by_value(module)

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        expect(_called(loaded[0]) == facts["qualname"], "it arrives under another name")
        return ""


def _called(thing: Any) -> str:
    """Its qualified name; of what a decorator made of a function, such as a task of Ray's, that of its class."""
    return str(getattr(thing, "__qualname__", type(thing).__qualname__))
