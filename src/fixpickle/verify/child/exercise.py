"""What else is tried with an instance besides crossing, and what of it must arrive as it was.

Each thing that is tried has a name, and a result: empty where all is well, or what went wrong. What was well before a
change and is not any more refutes it.
"""

from __future__ import annotations

import _thread
import copy
import pickle
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from .failure import told

Results = Dict[str, str]

_PATIENCE = 5.0  # seconds for another thread to try a lock

STATE, LIVE, COPY, EQUAL = "plain attributes arrive as they were", "pickling changes nothing", "deepcopy", "equality"


def tried(work: Callable[[], object]) -> str:
    """What goes wrong when it is done."""
    try:
        work()
    except BaseException as error:
        return told(error)
    return ""


def copied(value: Any) -> Results:
    return {COPY: tried(lambda: copy.deepcopy(value))}


def equal(value: Any, parcel: bytes) -> Results:
    """Whether what arrives equals what was sent, where the class says what is equal. Asked on the sending side."""
    if getattr(type(value), "__eq__", None) is object.__eq__:
        return {}

    def compare() -> None:
        if not value == value or not pickle.loads(parcel) == value:
            raise ValueError("it does not equal what was sent")

    return {EQUAL: tried(compare)}


def arrives(path: str) -> str:
    """The name of what is asked of an object as it arrives: of the instance itself, or of one that it holds."""
    return "plain attributes of %s arrive as they were" % path if path else STATE


def stays(path: str) -> str:
    """The name of what is asked of an object that is pickled and lives on."""
    return "pickling changes nothing in %s" % path if path else LIVE


_OWN = (type(_thread.allocate_lock()), _thread.RLock)
"""The interpreter's own locks: one behaves as the other does."""
_known: Dict[type, Tuple[bool, bool]] = {}


def _own(held: Any) -> Optional[type]:
    """The interpreter's kind of lock whose very methods acquire and release it; None for any other lock."""
    methods = [held.acquire, held.release]
    if not all(isinstance(method, types.BuiltinMethodType) for method in methods):
        return None
    if [method.__name__ for method in methods] != ["acquire", "release"] or methods[0].__self__ is not methods[
        1
    ].__self__:
        return None
    return next((kind for kind in _OWN if isinstance(methods[0].__self__, kind)), None)


def lock(name: str, held: Any) -> Results:
    """How a lock behaves, tried from this thread and another one; nothing for what is no lock or is held already."""
    if not (hasattr(held, "acquire") and hasattr(held, "release")) or "Semaphore" in type(held).__name__:
        return {}
    try:
        if not held.acquire(False):
            return {}
        kind = _own(held)
        excludes, again = (_known.get(kind) if kind else None) or _behaviour(held)
        held.release()
    except BaseException:
        return {}
    if kind is not None:
        _known[kind] = excludes, again
    return {
        "%s excludes other threads" % name: "" if excludes else "it does not",
        "%s is re-entrant" % name: "" if again else "it is not",
        "%s is not re-entrant" % name: "it is" if again else "",
    }


def _behaviour(held: Any) -> Tuple[bool, bool]:
    """Whether a lock that this thread holds excludes another one, and whether this thread can have it once more."""
    seen: List[bool] = []
    done = _thread.allocate_lock()

    def other() -> None:
        try:
            seen.append(bool(held.acquire(False)))
            if seen[0]:
                held.release()
        finally:
            done.release()

    again = bool(held.acquire(False))
    if again:
        held.release()
    done.acquire()
    _thread.start_new_thread(other, ())
    done.acquire(True, _PATIENCE)
    return seen == [False], again


def used(value: Any) -> None:
    """Reads public properties and calls public methods that need no argument, whatever they answer."""
    for name in dir(type(value)):
        if not name.startswith("_"):
            tried(lambda: _use(value, name))  # noqa: B023 - called at once


def _use(value: Any, name: str) -> None:
    member = getattr(value, name)
    code = getattr(member, "__code__", None)
    function = getattr(member, "__func__", None)
    if function is not None and code is not None:
        defaults = len(function.__defaults__ or ())
        needed = code.co_argcount - defaults - 1
        if needed <= 0 and len(function.__kwdefaults__ or ()) == code.co_kwonlyargcount:
            member()
