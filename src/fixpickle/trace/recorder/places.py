"""Frames -> lines of code, the user's own where there are such."""

from __future__ import annotations

import os

from .beside import whose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

    Json = Dict[str, Any]

OURS = os.path.dirname(os.path.abspath(__file__))


def is_own(code: Any) -> bool:
    """Whether a code object comes from a file of the user's own."""
    return bool(whose.own(code.co_filename))


def place(frame: Any) -> Json:
    """The line that a frame is at."""
    code = frame.f_code
    return {"path": absolute(code.co_filename), "line": frame.f_lineno, "function": function(code)}


def absolute(path: str) -> str:
    return path if path.startswith("<") else os.path.abspath(path)


def function(code: Any) -> str:
    return str(getattr(code, "co_qualname", code.co_name))


def own_caller(frame: Any) -> Tuple[Any, str]:
    """The nearest frame of the user's own code, None where there is none, and the library's function it called."""
    one, through = frame, ""
    while one is not None:
        if is_own(one.f_code):
            return one, through
        if not one.f_code.co_filename.startswith(OURS):
            through = "%s.%s" % (one.f_globals.get("__name__", ""), function(one.f_code))
        one = one.f_back
    return None, ""


def handed_in(frame: Any, value: Any) -> Optional[Json]:
    """Where the user's own code pickled the value or handed it in."""
    caller, through = own_caller(frame)
    return {**place(caller), "through": through} if caller is not None else submitted(value)


# --- what is pickled on another thread than the one that hands it in ------------------------------------------------

_SUBMITTED: Dict[int, Tuple[type, Json]] = {}
_PLACES: Dict[Any, Tuple[Any, Json]] = {}
_PLAIN = frozenset({type(None), bool, int, str, bytes, float})


def remember(frame: Any, raw: Any, things: Any) -> None:
    """Keep the line that hands things to the method `raw` of a pool or queue."""
    known = _PLACES.get((id(frame.f_code), frame.f_lasti))
    found = known[1] if known is not None else _placed(frame, raw)
    if not found:
        return
    if len(_SUBMITTED) > 1000:
        for old in list(_SUBMITTED)[:500]:
            _SUBMITTED.pop(old, None)
    for thing in things:
        if type(thing) not in _PLAIN:
            _SUBMITTED[id(thing)] = (type(thing), found)  # another object of that type may have the number later


def _placed(frame: Any, raw: Any) -> Json:
    caller, outermost = own_caller(frame)
    if caller is None:
        return {}
    found = {**place(caller), "through": outermost or "%s.%s" % (raw.__module__, raw.__qualname__)}
    if caller is frame:
        _PLACES[id(frame.f_code), frame.f_lasti] = (frame.f_code, found)  # held, or its number is another's later
    return found


def submitted(value: Any, depth: int = 4) -> Optional[Json]:
    """Where the task, or something in it, was handed to the pool or queue that pickles it on a thread of its own."""
    kind, found = _SUBMITTED.get(id(value), (None, None))
    if kind is type(value):
        return found
    if not depth:
        return None
    parts: Any = ()
    if isinstance(value, (tuple, list)):
        parts = value[:20]
    elif isinstance(value, dict):
        parts = list(value.values())[:20]
    elif type(value).__name__ == "partial":
        parts = (value.func, value.args, value.keywords)
    elif type(value).__name__ == "_CallItem":
        parts = list(vars(value).values())
    return next((known for one in parts for known in [submitted(one, depth - 1)] if known), None)
