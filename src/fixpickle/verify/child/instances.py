"""Instances and values as subjects."""

from __future__ import annotations

import inspect
import types
from typing import Any

from .culprits import culprit
from .failure import Failure, expect, stage
from .modules import blank, contents, mangled, named, resolve, size
from .picklers import dumps
from .prints import shown
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
        try:
            return [dumps(value, task["pickler"])], facts
        except Failure as failure:
            found = culprit(value, world.overlay)
            raise Failure("dump", "%s; %s" % (failure.error, found) if found else failure.error) from failure

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
            owner, _, name = task["factory"].partition(":")
            return resolve(world.modules.get(owner), name)()
        required = [
            p for p in inspect.signature(cls).parameters.values() if p.default is p.empty and p.kind not in (2, 4)
        ]
        if required:
            raise TypeError("%s needs the argument %r" % (task["cls"], required[0].name))
        return cls()

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        value = loaded[0]
        expect(named(type(value)) == facts["kind"], "it arrives as %s" % named(type(value)))
        if not facts["attribute"]:
            return ""
        held = getattr(value, facts["attribute"])
        kind = named(type(held))
        expect(kind == facts["holds"], "%s arrives as %s" % (facts["attribute"], kind))
        if hasattr(held, "acquire") and hasattr(held, "release") and "Semaphore" not in kind:
            expect(held.acquire(blocking=False), "%s arrives locked" % facts["attribute"])
            held.release()
        return ""


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
