"""One failure, looked into: the parts at fault, where each was made, and the calls that led to it.

Loaded with the first failure. What failed is pickled once more here, in Python.
"""

from __future__ import annotations

import sys
import types

from . import beside
from .beside import faults, leaves, origins, whose
from .log import main
from .payloads import what
from .places import OURS, absolute, handed_in, is_own, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    Json = Dict[str, Any]

_STACK = 40


def told(kind: str, pickler: str, value: Any, error: BaseException, frame: Any, like: Any) -> Json:
    """All that the record holds of a failure."""
    import threading

    try:
        return {
            "kind": kind,
            "pickler": pickler,
            "error": said(error),
            "root": what(value),
            "stack": list(_stack(frame)),
            "site": handed_in(frame, value),
            "thread": threading.current_thread().name,
            "main": main(),
            "leaves": _faults(value, error) if kind == "load" else list(_leaves(kind, value, error, like)),
        }
    finally:
        beside.forget()


def said(error: BaseException) -> str:
    try:
        message = " ".join(str(error).split())
    except Exception:
        message = ""
    return ("%s: %s" % (type(error).__name__, message))[:300]


def _stack(frame: Any) -> Iterator[Json]:
    """The calls that led here, innermost first."""
    for _ in range(_STACK):
        if frame is None:
            return
        if not frame.f_code.co_filename.startswith((OURS, "<frozen")):
            yield {**place(frame), "own": is_own(frame.f_code)}
        frame = frame.f_back


def _leaves(kind: str, value: Any, error: BaseException, like: Any) -> Iterator[Json]:
    tool = leaves()
    found = tool.unwound(value, error) if kind == "copy" else tool.leaves(value, like, most=20, seconds=3.0)
    for number, leaf in enumerate(found or [tool.Leaf([], value, error)]):
        start, steps = _from_own(value, leaf.steps)
        keeper, attribute = tool.holder(value, leaf.steps)
        cls = keeper if isinstance(keeper, type) else type(keeper)
        where = origins().made(value, leaf.steps, leaf.value, whose.own)
        if where is not None and start in _WRAPPED and not whose.own(where.path):
            where = None  # where the library keeps its own items
        yield {
            "path": tool.written(start, steps),
            "what": tool.described(leaf.value),
            "error": said(leaf.error if number else error),
            "holder": "%s:%s" % (cls.__module__, cls.__qualname__) if attribute else "",
            "attribute": attribute,
            "made": _made(where),
            "bound": _made(origins().bound(leaf.value, whose.own)),
        }


def _made(where: Any) -> Optional[Json]:
    return where and {"path": absolute(where.path), "line": where.line, "by": where.by}


_NAMED = (type, types.FunctionType, types.MethodType)
_WRAPPED = ("tuple", "_CallItem", "_ResultItem", "BatchedCalls", "CallQueue", "_WorkItem")


def _from_own(value: Any, steps: Any) -> Tuple[str, Any]:
    """The name a path begins with, and the steps from there: what libraries wrap a task in is left out."""
    name = value.__qualname__ if isinstance(value, _NAMED) else type(value).__name__
    if name not in _WRAPPED:
        return str(name), steps
    for number, (_, one) in enumerate(steps[:-1]):
        named = isinstance(one, _NAMED)
        module = getattr(one if named else type(one), "__module__", None) or ""
        if whose.own(getattr(sys.modules.get(module), "__file__", None) or ""):
            return str(one.__qualname__ if named else type(one).__name__), steps[number + 1 :]
    return str(name), steps


def _faults(value: Any, error: BaseException) -> List[Json]:
    """What could not be loaded: `value` is the pickle, or None where it came from a stream."""
    tool = faults()
    fault = tool.fault(value) if value is not None else None
    name = fault.name if fault is not None else tool.blamed(error)
    where = None
    module, _, rest = name.rpartition(".")
    while module and module not in sys.modules:
        module, _, head = module.rpartition(".")
        rest = head + "." + rest
    try:
        thing: Any = sys.modules[module]
        for part in rest.split("."):
            thing = getattr(thing, part)
        where = origins().made(None, [], thing, whose.own)
    except (AttributeError, KeyError):
        pass  # that it is not there is what failed
    one = {"path": name, "what": name, "error": said(error), "holder": "", "attribute": ""}
    return [{**one, "made": _made(where), "bound": None}]
