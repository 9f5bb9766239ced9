"""Instances and values as subjects."""

from __future__ import annotations

import pickle
import types
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

from .boundaries import boundary_note, with_boundary
from .culprits import culprit
from .exercise import LIVE, Results, arrives, copied, equal, lock, stays, used
from .factories import made_by
from .failure import Failure, expect, stage
from .harvest import met
from .modules import blank, contents, findable, has_hooks, mangled, named, resolve, size
from .picklers import AS_IT_STARTS, dumps, protocols
from .portraits import Painter, Portrait
from .prints import shown
from .shared import Parcel
from .starting import only_as_it_starts, starting
from .values import arguments
from .world import Dumped, Json, World

# What the question for an instance consists of, whichever attribute of it is asked about.
_OF_INSTANCES = ("module", "cls", "manner", "factory", "pickler", "boundary", "touched", "used")


class Crossing:
    """What pickling one instance gave, and what it holds in the attributes that are asked about."""

    def __init__(self, kind: type) -> None:
        self.facts: Json = {"kind": named(kind), "findable": findable(kind)}
        self.also: Results = {}
        self.parcels: List[Parcel] = []
        self.failure: Optional[Failure] = None
        self.held: Dict[str, Union[Failure, Tuple[str, Results]]] = {}


class State:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            cls = resolve(module, task["cls"])
        attribute = mangled(cls.__name__, task["attribute"])
        crossing = self._crossing(world, task, module, cls)
        facts = {**crossing.facts, "attribute": attribute}
        if attribute:
            held = crossing.held[task["attribute"]]
            if isinstance(held, Failure):
                raise Failure(held.stage, held.error)
            facts["holds"], behaviour = held
            world.also.update(behaviour)
        world.also.update(crossing.also)
        if crossing.failure is not None:
            raise Failure(crossing.failure.stage, crossing.failure.error)
        return crossing.parcels, facts

    def _crossing(self, world: World, task: Json, module: types.ModuleType, cls: Any) -> Crossing:
        """Of an instance that is made without the attribute in question, what was found when another was asked for."""
        asked = [task["attribute"]] if task["attribute"] else []
        if task["manner"] == "part" or task["dropped"]:
            return self._cross(world, task, self._shaped(world, task, module, cls), cls, asked)
        question = repr([world.side, *(task[name] for name in _OF_INSTANCES)])
        known = world.crossings.get(question)
        if known is None or not known.held.keys() >= set(asked):
            known = self._made(world, task, cls, {*asked, *task["beside"]})
            if known.failure is not None and only_as_it_starts(known.failure.error):
                with starting():
                    known = self._made(world, {**task, "pickler": AS_IT_STARTS}, cls, known.held)
            known.parcels = list(world.parcels.put_all(known.parcels))
            world.crossings[question] = known
        return known

    def _made(self, world: World, task: Json, cls: Any, attributes: Iterable[str]) -> Crossing:
        with stage("build"):
            value = self._whole(world, task, cls)
        return self._cross(world, task, value, cls, attributes)

    def _cross(self, world: World, task: Json, value: Any, cls: Any, attributes: Iterable[str]) -> Crossing:
        crossing = Crossing(type(value))
        for name in attributes:
            crossing.held[name] = _held(value, name, mangled(cls.__name__, name), task["dropped"])
        if task["used"]:
            used(value)
        stored = _stored(value, cls, crossing.held)
        try:
            self._pickle(world, task, value, crossing)
        except Failure as failure:
            crossing.failure = failure
        for name, one in _stored(value, cls, stored).items():
            if stored[name] is not None and one is not stored[name]:
                crossing.also[LIVE] = "%s is another object afterwards: %s" % (name, named(type(one)))
        return crossing

    def _pickle(self, world: World, task: Json, value: Any, crossing: Crossing) -> None:
        """Fills `crossing` with the parcels of an instance, and with what else was tried with it."""
        facts, also = crossing.facts, crossing.also
        painter = _painted(world, task, value)
        facts["state"] = painter.portrait
        if world.side == "before" and not has_hooks(type(value)):
            # Hooks that were there before may do to what is held within whatever they did.
            also.update({arrives(path): "" for path in painter.portrait})
            also.update({stays(path): "" for path in painter.portrait if not path or not painter.hooks})
        facts["started"] = task["pickler"] == AS_IT_STARTS
        if not facts["started"]:  # a copy of a pipe would close the descriptor it shares
            also.update(copied(value))
        try:
            # What works once may not work twice.
            parcels = [dumps(value, task["pickler"]), dumps(value, task["pickler"])]
            if task["pickler"] == "pickle":
                parcels += [dumps(value, "pickle", protocol) for protocol in list(protocols())[:-1]]
        except Failure as failure:
            found = culprit(value, world.overlay, task["pickler"])
            raise Failure("dump", "%s; %s" % (failure.error, found) if found else failure.error) from failure
        crossing.parcels = list(parcels)
        also.update(equal(value, parcels[0]))
        if world.side == "after":
            _compare_live(painter, _painted(world, task, value), also)
        facts["boundary"] = with_boundary(world, also, task["boundary"], value)
        others = met(world, task)[1:] if task["manner"] == "harvested" else []
        facts["others"] = [
            [world.parcels.put(dumps(one, task["pickler"])), _painted(world, task, one).portrait] for one in others
        ]

    def _shaped(self, world: World, task: Json, module: types.ModuleType, cls: Any) -> Any:
        """An instance with what the attribute in question is to hold."""
        with stage("build"):
            part = task["manner"] == "part"
            value = blank(cls) if part else self._whole(world, task, cls)
            for name, expression in task["holds"] if part else ():
                object.__setattr__(value, mangled(cls.__name__, name), eval(expression, vars(module)))
            if task["expression"]:
                made = eval(task["expression"], vars(module), {"self": value})
                object.__setattr__(value, mangled(cls.__name__, task["attribute"]), made)
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
        arrived = list({id(one): one for one in loaded}.values())
        for value in arrived:
            _expect_alike(value, facts)
        world.also.update(self._arrivals(world, task, arrived, facts["state"], task["parcels"]))
        if facts["attribute"]:
            world.also.update(lock(task["attribute"], getattr(loaded[0], facts["attribute"])))
        others = facts["others"]
        for place, state in others:
            value = pickle.loads(world.parcels.get(place))
            _expect_alike(value, facts)
            for name, error in self._arrivals(world, task, [value], state, [place]).items():
                world.also[name] = world.also.get(name) or error
        more = "and %d more" % len(others) if others else ""
        started = "handed to a process as it starts" if facts["started"] else ""
        return "; ".join(filter(None, (more, started, boundary_note(world, facts["boundary"]))))

    def _arrivals(self, world: World, task: Json, values: List[Any], state: Portrait, places: List[Any]) -> Results:
        """What of the portrait is not there in what arrived from these places: looked at once."""
        question = repr((places, task["touched"], state))
        if question not in world.arrivals:
            painters = [_painted(world, task, value) for value in values]
            differences = {path: [next(p.difference(was), "") for p in painters] for path, was in state.items()}
            world.arrivals[question] = {arrives(path): next(filter(None, d), "") for path, d in differences.items()}
        return world.arrivals[question]


def _expect_alike(value: Any, facts: Json) -> None:
    """The class is the same, and that of what the attribute holds, which is free if it is a lock."""
    _expect_kind(value, facts)
    if facts["attribute"]:
        held = getattr(value, facts["attribute"])
        kind = named(type(held))
        expect(kind == facts["holds"], "%s arrives as %s" % (facts["attribute"], kind))
        if hasattr(held, "acquire") and hasattr(held, "release") and "Semaphore" not in kind:
            expect(held.acquire(blocking=False), "%s arrives locked" % facts["attribute"])
            held.release()


def _expect_kind(value: Any, facts: Json) -> None:
    kind = type(value)
    expect(named(kind) == facts["kind"], "it arrives as %s" % named(kind))
    expect(findable(kind) or not facts["findable"], "it arrives as another class that is called %s" % named(kind))


def _stored(value: Any, cls: Any, names: Iterable[str]) -> Dict[str, Any]:
    """What the instance itself holds in these attributes."""
    held = contents(value)
    return {name: held.get(mangled(cls.__name__, name), held.get(name)) for name in names}


def _painted(world: World, task: Json, value: Any) -> Painter:
    """Before the change, classes with hooks promise nothing. After it, some have hooks that came with it."""
    painter = Painter(task["touched"], world.overlay.serves if world.side == "after" else lambda cls: False)
    painter.paint(value)
    return painter


def _compare_live(was: Painter, now: Painter, also: Results) -> None:
    """What pickling did to the live objects. What it did to those within, they need not arrive with."""
    for path, held in was.portrait.items():
        also[stays(path)] = next(now.difference(held), "")
        if path and also[stays(path)]:
            was.portrait[path] = {place: text for place, text in held.items() if now.shows(place) == text}


def _held(value: Any, name: str, attribute: str, dropped: bool) -> Union[Failure, Tuple[str, Results]]:
    """The kind of what an instance holds there and how that behaves where it is a lock, or why it cannot be had.

    What is `dropped` arrives as None.
    """
    try:
        with stage("build"):
            one = getattr(value, attribute)
            return named(type(None if dropped else one)), lock(name, one)
    except Failure as failure:
        return failure


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
        facts: Json = {
            "kind": named(type(value)),
            "findable": findable(type(value)),
            "holds": kinds,
            "size": size(value),
        }
        facts["boundary"] = with_boundary(world, world.also, task["boundary"], value)
        return [parcel], facts

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        value = loaded[0]
        _expect_kind(value, facts)
        held = contents(value)
        for name, kind in facts["holds"].items():
            expect(name in held, "it arrives without %s" % name)
            expect(named(type(held[name])) == kind, "%s arrives as %s" % (name, named(type(held[name]))))
        expect(size(value) == facts["size"], "it arrives with %d of %d items" % (size(value), facts["size"]))
        return boundary_note(world, facts["boundary"])


class Expression:
    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        with stage("build"):
            value = eval(task["expression"], vars(module))
            facts: Json = {"kind": named(type(value)), "shown": shown(value)}
        parcels = [dumps(value, task["pickler"])]
        facts["boundary"] = with_boundary(world, world.also, task["boundary"], value)
        return parcels, facts

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        expect(named(type(loaded[0])) == facts["kind"], "it arrives as %s" % named(type(loaded[0])))
        sent, arrived = facts["shown"], shown(loaded[0])
        for part, was in sent.items():
            expect(arrived.get(part) == was, "%s %s arrives as %s" % (part, was, arrived.get(part, "nothing")))
        return boundary_note(world, facts["boundary"])
