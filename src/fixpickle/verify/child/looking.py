"""Looks at one live object: each part of it that cannot be pickled, and whether it arrives elsewhere."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import os
import pickle
import sys
import time
import tracemalloc
from typing import Any, Callable, List, Optional

from .. import faults, leaves, origins, whose
from .failure import Failure, stage, told
from .modules import named
from .picklers import cloudpickle
from .world import Json, World

_FRAMES = 25  # of each allocation: enough to come from a library's constructor to the line that called it


def look(world: World, task: Json) -> Json:
    """Makes the object in the module's namespace and takes it apart."""
    os.chdir(task["folder"])
    if task["allocations"]:
        tracemalloc.start(_FRAMES)
    module = world.modules.get(task["module"])
    with stage("build"):
        value = eval(task["expression"], vars(module))
    ways = {
        "pickle": _tried(world, lambda: pickle.dumps(value, pickle.HIGHEST_PROTOCOL)),
        "cloudpickle": _tried(world, lambda: cloudpickle().dumps(value)),
        "deepcopy": _tried(world, lambda: copy.deepcopy(value) and b""),
    }
    start = time.perf_counter()
    found = leaves.leaves(value) if ways["pickle"]["error"] else []
    seconds = time.perf_counter() - start
    taken = _taken(value, found)
    name = leaves.described(value) if isinstance(value, (type, type(look))) else type(value).__name__
    parts = [
        {**_leaf(value, name, leaf), "cloudpickle": None if taken is None else number in taken}
        for number, leaf in enumerate(found)
    ]
    return {"stage": "looked", "kind": named(type(value)), "ways": ways, "leaves": parts, "seconds": seconds}


def _tried(world: World, call: Callable[[], Any]) -> Json:
    """The error, "" where it worked, and the parcel where there is one."""
    try:
        data = call()
    except Failure as failure:
        return {"error": failure.error, "size": 0, "parcel": None}
    except BaseException as error:
        return {"error": told(error), "size": 0, "parcel": None}
    return {"error": "", "size": len(data or b""), "parcel": world.parcels.put(data) if data else None}


def _taken(value: Any, found: List[Any]) -> Optional[List[int]]:
    """Which of the leaves cloudpickle takes, by their number; None where it is not installed."""
    with contextlib.suppress(Failure):
        theirs = leaves.leaves(value, cloudpickle().Pickler(io.BytesIO()))
        return [number for number, leaf in enumerate(found) if all(leaf.value is not one.value for one in theirs)]
    return None


def _leaf(root: Any, name: str, leaf: Any) -> Json:
    keeper, attribute = leaves.holder(root, leaf.steps)
    cls = keeper if isinstance(keeper, type) else type(keeper)
    kind = leaf.value if isinstance(leaf.value, type) else type(leaf.value)
    return {
        "path": leaves.written(name, leaf.steps),
        "what": leaves.described(leaf.value),
        "error": told(leaf.error),
        "type": named(kind),
        "defined": _place(origins.defined(kind)),
        "made": _place(origins.made(root, leaf.steps, leaf.value, whose.own)),
        "bound": _place(origins.bound(leaf.value, whose.own)),
        "holder": named(cls) if attribute else "",
        "attribute": attribute,
        "deepcopy": _copied(leaf.value),
    }


def _copied(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except BaseException:
        return False
    return True


def _place(place: Any) -> Optional[Json]:
    return place and {"path": place.path, "line": place.line, "by": place.by}


def arrive(world: World, task: Json) -> Json:
    """Loads the parcels as another process would, and names what cannot be loaded."""
    os.chdir(task["folder"])
    return {"stage": "arrived", "ways": {way: _loaded(world, parcel) for way, parcel in task["parcels"].items()}}


def _loaded(world: World, parcel: List[Any]) -> Json:
    data = world.parcels.get(parcel)
    try:
        pickle.loads(data)
    except BaseException as error:
        fault = faults.fault(data)
        name = fault.name if fault is not None else faults.blamed(error)
        return {"error": told(error), "at": name, "defined": _place(_of_name(name))}
    return {"error": "", "at": "", "defined": None}


def _of_name(name: str) -> Any:
    """Where the class `module.name` is defined, None where it is not known."""
    for end in range(name.count("."), 0, -1):
        module, rest = ".".join(name.split(".")[:end]), name.split(".")[end:]
        if module in sys.modules:
            with contextlib.suppress(AttributeError):
                thing = functools.reduce(getattr, rest, sys.modules[module])
                return origins.defined(thing) if isinstance(thing, type) else None
    return None
