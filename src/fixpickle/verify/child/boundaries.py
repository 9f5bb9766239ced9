"""The pickler of the boundary that a value crosses, where its library is there: tried besides pickle."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any, Callable, Dict, Tuple

from .exercise import Results, tried
from .world import Json, World

Pair = Tuple[Callable[[Any], bytes], Callable[[bytes], Any]]


def _of_stream(module: str, dump: str, load: str) -> Pair:
    """The pair of a library that writes to files."""
    tool = importlib.import_module(module)

    def dumped(value: Any) -> bytes:
        stream = io.BytesIO()
        getattr(tool, dump)(value, stream)
        return stream.getvalue()

    def loaded(parcel: bytes) -> Any:
        # What torch refuses to load without this was not written by itself.
        options = {"weights_only": False} if module == "torch" else {}
        return getattr(tool, load)(io.BytesIO(parcel), **options)

    return dumped, loaded


def _of_bytes(module: str, load: str = "") -> Pair:
    """The pair of a library whose pickles are bytes; most are loaded by pickle itself, as workers do."""
    tool = importlib.import_module(module)
    return tool.dumps, importlib.import_module(load or "pickle").loads


_PAIRS: Dict[str, Callable[[], Pair]] = {
    "cloudpickle": lambda: _of_bytes("cloudpickle"),
    "dill": lambda: _of_bytes("dill", "dill"),
    "joblib.dump": lambda: _of_stream("joblib", "dump", "load"),
    "ray.cloudpickle": lambda: _of_bytes("ray.cloudpickle"),
    "torch.save": lambda: _of_stream("torch", "save", "load"),
}


def with_boundary(world: World, also: Results, name: str, value: Any) -> Json:
    """What the loading side needs to know: the name of the pickler and its parcel, or why there is none.

    `also` is told whether the pickler took it.
    """
    if not name:
        return {}
    try:
        dumped, _ = _PAIRS[name]()
    except ImportError:
        return {"name": name, "absent": "%s is not there in %s" % (name, sys.executable)}
    found: Dict[str, bytes] = {}
    also[name] = tried(lambda: found.update(parcel=dumped(value)))
    return {"name": name, "parcel": world.parcels.put(found["parcel"])} if found else {}


def boundary_note(world: World, told: Json) -> str:
    """What a report says of it, once it is loaded."""
    if "absent" in told:
        return "not tried: %s" % told["absent"]
    if "parcel" not in told:
        return ""
    _, loaded = _PAIRS[told["name"]]()
    world.also[told["name"]] = tried(lambda: loaded(world.parcels.get(told["parcel"])))
    return "" if world.also[told["name"]] else "with %s, too" % told["name"]
