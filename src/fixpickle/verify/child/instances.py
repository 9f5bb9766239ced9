"""Instances and values as subjects."""

from __future__ import annotations

import pickle
import types
from typing import Any, List

from .boundaries import boundary_note, with_boundary
from .culprits import culprit
from .exercise import LIVE, STATE, copied, difference, equal, has_hooks, lock, portrait, used
from .factories import made_by
from .failure import Failure, expect, stage
from .harvest import met
from .modules import blank, contents, mangled, named, resolve, size
from .picklers import dumps, protocols
from .prints import shown
from .values import arguments
from .world import Dumped, Json, World


class State:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            cls = resolve(module, task["cls"])
            attribute = mangled(cls.__name__, task["attribute"])
            value = self._instance(world, task, module, cls, attribute)
        facts = {"kind": named(type(value)), "attribute": attribute}
        if attribute:
            with stage("build"):
                if task["dropped"]:
                    object.__setattr__(value, attribute, eval(task["expression"], vars(module), {"self": value}))
                facts["holds"] = named(type(None if task["dropped"] else getattr(value, attribute)))
        if task["used"]:
            used(value)
        return self._dumped(world, task, value, facts)

    def _dumped(self, world: World, task: Json, value: Any, facts: Json) -> Dumped:
        """The parcels of an instance, and in `world.also` what else was tried with it."""
        if world.side == "before" and not has_hooks(type(value)):
            world.also.update({STATE: "", LIVE: ""})
        world.also.update(lock(task["attribute"], getattr(value, facts["attribute"])) if facts["attribute"] else {})
        facts["state"] = portrait(value, task["touched"])
        world.also.update(copied(value))
        try:
            parcels = [
                dumps(value, task["pickler"]),
                dumps(value, task["pickler"]),
            ]  # what works once may not work twice
            parcels += [dumps(value, "pickle", protocol) for protocol in protocols() if task["pickler"] == "pickle"]
        except Failure as failure:
            found = culprit(value, world.overlay)
            raise Failure("dump", "%s; %s" % (failure.error, found) if found else failure.error) from failure
        world.also.update(equal(value, parcels[0]))
        if world.side == "after":
            world.also[LIVE] = difference(facts["state"], portrait(value, task["touched"]), contents(value))
        facts["boundary"] = with_boundary(world, task["boundary"], value)
        others = met(world, task)[1:] if task["manner"] == "harvested" else []
        facts["others"] = [
            [world.parcels.put(dumps(one, task["pickler"])), portrait(one, task["touched"])] for one in others
        ]
        return parcels, facts

    def _instance(self, world: World, task: Json, module: types.ModuleType, cls: Any, attribute: str) -> Any:
        if task["manner"] != "part":
            return self._whole(world, task, cls)
        value = blank(cls)
        for name, expression in task["holds"]:
            object.__setattr__(value, mangled(cls.__name__, name), eval(expression, vars(module)))
        if task["expression"]:
            made = eval(task["expression"], vars(module), {"self": value})
            object.__setattr__(value, attribute, made)
        return value

    def _whole(self, world: World, task: Json, cls: Any) -> Any:
        if task["manner"] == "factory":
            return made_by(world, task["factory"])
        if task["manner"] == "harvested":
            return met(world, task)[0]
        positional, keywords = arguments(cls)
        if bool(positional or keywords) != (task["manner"] == "obvious"):
            raise TypeError("%s needs %s" % (task["cls"], "arguments" if positional or keywords else "no arguments"))
        return cls(*positional, **keywords)

    def check(self, world: World, task: Json, loaded: List[Any], facts: Json) -> str:
        for value in loaded:
            self._compare(world, task, value, facts)
        if facts["attribute"]:
            world.also.update(lock(task["attribute"], getattr(loaded[0], facts["attribute"])))
        others = facts["others"]
        for place, state in others:
            self._compare(world, task, pickle.loads(world.parcels.get(place)), {**facts, "state": state})
        more = "and %d more" % len(others) if others else ""
        return "; ".join(filter(None, (more, boundary_note(world, facts["boundary"]))))

    def _compare(self, world: World, task: Json, value: Any, facts: Json) -> None:
        expect(named(type(value)) == facts["kind"], "it arrives as %s" % named(type(value)))
        if facts["attribute"]:
            held = getattr(value, facts["attribute"])
            kind = named(type(held))
            expect(kind == facts["holds"], "%s arrives as %s" % (facts["attribute"], kind))
            if hasattr(held, "acquire") and hasattr(held, "release") and "Semaphore" not in kind:
                expect(held.acquire(blocking=False), "%s arrives locked" % facts["attribute"])
                held.release()
        found = difference(facts["state"], portrait(value, task["touched"]), contents(value))
        world.also[STATE] = world.also.get(STATE) or found


class Contents(State):
    """Whatever it held must arrive, and still be there: what hooks lose shows on neither `dumps` nor `loads`."""

    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            cls = resolve(module, task["cls"])
            value = blank(cls) if task["manner"] == "part" else self._whole(world, task, cls)
            if task["manner"] == "part":
                for attribute, expression in task["holds"].items():
                    object.__setattr__(value, attribute, eval(expression, vars(module), {"self": value}))
            if task["fill"]:
                eval(task["fill"], vars(module), {"self": value})
        held = contents(value)
        parcel = dumps(value, task["pickler"])
        with stage("dump"):
            now = contents(value)
            for name, one in held.items():
                kept = now.get(name) is not None or one is None
                expect(kept, "pickling it takes %s from the live instance" % name)
        kinds = {name: named(type(one)) for name, one in held.items() if name not in task["dropped"]}
        return [parcel], {"kind": named(type(value)), "holds": kinds, "size": size(value)}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        value = loaded[0]
        expect(named(type(value)) == facts["kind"], "it arrives as %s" % named(type(value)))
        held = contents(value)
        for name, kind in facts["holds"].items():
            expect(name in held, "it arrives without %s" % name)
            expect(named(type(held[name])) == kind, "%s arrives as %s" % (name, named(type(held[name]))))
        expect(size(value) == facts["size"], "it arrives with %d of %d items" % (size(value), facts["size"]))
        return ""


class Expression:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            value = eval(task["expression"], vars(module))
            facts = {"kind": named(type(value)), "shown": shown(value)}
        return [dumps(value, task["pickler"])], facts

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        expect(named(type(loaded[0])) == facts["kind"], "it arrives as %s" % named(type(loaded[0])))
        sent, arrived = facts["shown"], shown(loaded[0])
        for part, was in sent.items():
            expect(arrived.get(part) == was, "%s %s arrives as %s" % (part, was, arrived.get(part, "nothing")))
        return ""
