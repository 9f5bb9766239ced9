"""What else is tried with an instance besides crossing, and what of it must arrive as it was.

Each thing that is tried has a name, and a result: empty where all is well, or what went wrong. What was well before a
change and is not any more refutes it.
"""

from __future__ import annotations

import copy
import enum
import hashlib
import pickle
import sys
import threading
from typing import Any, Callable, Dict, Iterator, List, Sequence

from .failure import told
from .modules import contents

Results = Dict[str, str]

_HOOKS = (
    *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
    *("__copy__", "__deepcopy__"),
)
_MOST = 2000  # values that are looked at in one attribute

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


def has_hooks(cls: type) -> bool:
    """Whether a class, or a base that is no built-in one, says itself what becomes of its state."""
    return any(name in vars(base) for base in cls.__mro__ if base.__module__ != "builtins" for name in _HOOKS)


def portrait(value: Any, without: Sequence[str]) -> Dict[str, str]:
    """The attributes that hold plain values, with what they hold; not those named in `without`, as they are written."""
    shown = {}
    for name, one in contents(value).items():
        if any(name == w or (w.startswith("__") and name.endswith(w)) for w in without):
            continue
        try:
            text = "".join(_written(one, [_MOST]))
        except (_NotPlain, RecursionError):
            continue
        shown[name] = (
            text if len(text) <= 80 else "%s\u2026 (%s)" % (text[:60], hashlib.sha256(text.encode()).hexdigest())
        )
    return shown


class _NotPlain(Exception):
    """Somebody else's values have states and identities of their own."""


def _written(value: Any, left: List[int]) -> Iterator[str]:
    left[0] -= 1
    if left[0] < 0:
        raise _NotPlain
    kind = type(value)
    if (
        value is None
        or kind in (bool, int, float, complex, str, bytes, bytearray, range)
        or isinstance(value, getattr(sys.modules.get("pathlib"), "PurePath", ()))
    ):
        yield repr(value)
    elif isinstance(value, enum.Enum):
        yield str(value)
    elif kind in (list, tuple):
        yield kind.__name__ + "("
        for one in value:
            yield from _written(one, left)
            yield ", "
        yield ")"
    elif kind in (set, frozenset):
        yield "%s(%s)" % (kind.__name__, ", ".join(sorted("".join(_written(one, left)) for one in value)))
    elif kind is dict:
        yield "{"
        for key, one in value.items():
            yield from _written(key, left)
            yield ": "
            yield from _written(one, left)
            yield ", "
        yield "}"
    else:
        raise _NotPlain


def difference(was: Dict[str, str], now: Dict[str, str], held: Any) -> str:
    """The first attribute that is not as it was."""
    for name, text in was.items():
        if now.get(name) != text:
            instead = now.get(name, "something else" if name in held else "nothing")
            return "%s was %s and is %s" % (name, text, instead)
    return ""


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
