"""What else is tried with an instance besides crossing, and what of it must arrive as it was.

Each thing that is tried has a name, and a result: empty where all is well, or what went wrong. What was well before a
change and is not any more refutes it.
"""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any, Callable, Dict, List

from .failure import told

Results = Dict[str, str]

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


def lock(name: str, held: Any) -> Results:
    """How a lock behaves, tried from this thread and another one; nothing for what is no lock or is held already."""
    if not (hasattr(held, "acquire") and hasattr(held, "release")) or "Semaphore" in type(held).__name__:
        return {}
    seen: List[bool] = []

    def other() -> None:
        seen.append(bool(held.acquire(False)))
        if seen[0]:
            held.release()

    try:
        if not held.acquire(False):
            return {}
        again = bool(held.acquire(False))
        if again:
            held.release()
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        thread.join(5)
        held.release()
    except BaseException:
        return {}
    return {
        "%s excludes other threads" % name: "" if seen == [False] else "it does not",
        "%s is re-entrant" % name: "" if again else "it is not",
        "%s is not re-entrant" % name: "it is" if again else "",
    }


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
