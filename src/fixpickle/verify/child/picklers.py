"""The picklers of the boundaries."""

from __future__ import annotations

import base64
import contextlib
import copy
import importlib
import pickle
import sys
from typing import Any, Iterable, Optional

from .failure import Failure, stage


def cloudpickle() -> Any:
    for name in ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle"):
        with contextlib.suppress(Exception):
            return importlib.import_module(name)
    raise Failure("absent", "cloudpickle is not installed in %s" % sys.executable)


def dumps(value: Any, pickler: str, protocol: Optional[int] = None) -> bytes:
    tool = cloudpickle() if "cloudpickle" in pickler else pickle
    with stage("dump"):
        if "deepcopy" in pickler:
            copy.deepcopy(value)
        parcel: bytes = tool.dumps(value, protocol=pickle.HIGHEST_PROTOCOL if protocol is None else protocol)
        return parcel


def encoded(parcel: bytes) -> str:
    return base64.b64encode(parcel).decode("ascii")


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def protocols() -> Iterable[int]:
    return range(2, pickle.HIGHEST_PROTOCOL + 1)
