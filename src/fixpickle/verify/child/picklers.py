"""The picklers of the boundaries."""

from __future__ import annotations

import contextlib
import copy
import importlib
import pickle
import sys
from typing import Any, Iterable, Optional

from . import starting
from .failure import Failure, stage

AS_IT_STARTS = "start"
"""The name of what pickles for a process that is being started."""

_NAMES = {
    "dill": ("dill",),
    "cloudpickle": ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle"),
    "ray.cloudpickle": ("ray.cloudpickle",),
}


def library(name: str) -> Any:
    """The library that pickles under that name."""
    for one in _NAMES[name]:
        with contextlib.suppress(Exception):
            return importlib.import_module(one)
    raise Failure("absent", "%s is not installed in %s" % (name, sys.executable))


def cloudpickle() -> Any:
    return library("cloudpickle")


def dumps(value: Any, pickler: str, protocol: Optional[int] = None) -> bytes:
    """The pickle of a value; `pickler` is the name of a library, "deepcopy" among its words copies the value first."""
    name = next((name for name in ("dill", "ray.cloudpickle", "cloudpickle") if name in pickler), "")
    tool = library(name) if name else pickle
    with stage("dump"):
        if pickler == AS_IT_STARTS:
            return starting.dumps(value, pickle.HIGHEST_PROTOCOL)
        if "deepcopy" in pickler:
            copy.deepcopy(value)
        parcel: bytes = tool.dumps(value, protocol=pickle.HIGHEST_PROTOCOL if protocol is None else protocol)
        return parcel


def loads(parcel: bytes, pickler: str) -> Any:
    """What a pickle is loaded as; what dill has written needs its own names."""
    return (library("dill") if "dill" in pickler else pickle).loads(parcel)


def encoded(parcel: bytes) -> str:
    return parcel.hex()


def decoded(text: str) -> bytes:
    return bytes.fromhex(text)


def protocols() -> Iterable[int]:
    return range(2, pickle.HIGHEST_PROTOCOL + 1)
