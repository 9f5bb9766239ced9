"""What was pickled where, how often, how large and how long: counted, and written down four times a second.

A row stands for a line of code and, where a library makes the call, the library's function. Each of the first calls is
looked at. Of more, one of `EVERY` is, for all of them, and in any case each that is large.
"""

from __future__ import annotations

import itertools
import sys
import time
from _thread import allocate_lock

from .log import log
from .places import is_own, own_caller, place, submitted
from .stand_in import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional

    Json = Dict[str, Any]

EXACT, EVERY, LARGE = 1000, 61, 4096
_BURST = 16  # calls that are looked at after a large one that was not timed
_PAUSE = 0.25  # seconds between two writes
clock = time.perf_counter
caller = sys._getframe


class Row:
    """What was pickled through one line since the last write. `code` is held so that its number stays its own.

    `untimed` are the bytes of large payloads that were not timed, `pace` the seconds that a byte took in one that was.
    """

    __slots__ = ("bytes", "code", "count", "largest", "pace", "pickler", "place", "seconds", "untimed", "what")

    def __init__(self, code: Any, pickler: str, place: Json) -> None:
        self.code, self.pickler, self.place = code, pickler, place
        self.count = self.bytes = self.largest = self.untimed = 0
        self.seconds = self.pace = 0.0
        self.what = ""

    def taken(self) -> List[Any]:
        """As it is written, and nothing is left in it but the largest."""
        seconds = self.seconds + self.untimed * self.pace
        row = [self.pickler, self.place, self.count, self.bytes, seconds, self.largest, self.what]
        self.count, self.bytes, self.seconds = 0, 0, 0.0
        self.untimed = 0 if self.pace else self.untimed
        return row


_ROWS: Dict[Any, Row] = {}
_counting = allocate_lock()
_calls = itertools.count(1).__next__
_next = 0.0

waiting: List[Callable[[], None]] = []
"""What else is to be written from time to time."""

restarted: List[Callable[[], None]] = []
"""Called in a process that was forked, in which nothing was pickled yet."""


class Share:
    """Which calls of one function are looked at, and for how many each stands.

    The function counts down from what `counted` gives, and looks at the call at which it comes to nothing.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> int:
        """Nothing was counted yet; gives what the function counts down from."""
        self.exact, self.owed, self.gap = EXACT, 0, 1
        return self.gap

    def counted(self, left: int, frame: Any, pickler: str, value: Any, size: int, start: Optional[float]) -> int:
        """Count this call, which began at `start`, None if untimed, and those since the last, from what is `left`."""
        passed, weight = self.gap - left, 1
        if size >= LARGE:
            self.owed += passed - 1
            self.exact = max(self.exact, 0 if start is not None else _BURST)
        else:
            weight, self.owed = self.owed + passed, 0
        self.exact = max(self.exact - 1, 0)
        self.gap = 1 if self.exact else EVERY
        _add(frame, pickler, value, size, start, weight)
        return self.gap


def count(frame: Any, pickler: str, value: Any, size: int, start: float) -> None:
    """One call that began at `start`, or the one of so many that stands for all where there are many."""
    number = _calls()
    if number <= EXACT or size >= LARGE:
        _add(frame, pickler, value, size, start, 1)
    elif not number % EVERY:
        _add(frame, pickler, value, size, start, EVERY)


def _add(frame: Any, pickler: str, value: Any, size: int, start: Optional[float], weight: int) -> None:
    now = clock()
    row = _ROWS.get((id(frame.f_code), frame.f_lasti)) or _row(frame, pickler, value)
    with _counting:
        row.count += weight
        row.bytes += weight * size
        if start is None:
            row.untimed += weight * size
        else:
            row.seconds += weight * (now - start)
            row.pace = (now - start) / size if size >= LARGE else row.pace
        if size > row.largest:
            if size > 2 * row.largest:
                row.what = what(value)
            row.largest = size
    if now > _next:
        flush()


def _row(frame: Any, pickler: str, value: Any) -> Row:
    """The row of the line of the user's own that the call comes from, or else of the library's."""
    code = frame.f_code
    key: Any = (id(code), frame.f_lasti)
    if is_own(code):
        where = {**place(frame), "through": ""}
    else:
        one, through = own_caller(frame)
        if one is not None:
            code, where = one.f_code, {**place(one), "through": through}
            key = (id(code), one.f_lasti, through)
        else:
            where = submitted(value) or {**place(frame), "own": False}
            key = (where["path"], where["line"], where.get("through", ""))
    row = _ROWS.get(key)
    if row is None:
        row = _ROWS[key] = Row(code, pickler, where)
    return row


def tell(file: Any) -> int:
    """Where a file is at, 0 where it does not know: a pipe, or what only writes."""
    try:
        return int(file.tell())
    except Exception:
        return 0


def is_due(now: float) -> bool:
    """Whether it is time to write."""
    return now > _next


def flush() -> None:
    """Write what was pickled, and what else waits, since the last time."""
    global _next
    _next = clock() + _PAUSE
    with _counting:
        sites = [row.taken() for row in list(_ROWS.values()) if row.count]
    if sites:
        log.write(sites=sites)
    for write in waiting:
        write()


def after_fork() -> None:
    """Nothing has been pickled in this process yet."""
    global _calls, _counting
    _calls, _counting = itertools.count(1).__next__, allocate_lock()
    _ROWS.clear()
    for restart in restarted:
        restart()


# --- what is sent ---------------------------------------------------------------------------------------------------


def what(value: Any) -> str:
    """The type of what is sent, and of each bound method in it the class all of which goes along."""
    methods = list(dict.fromkeys(_methods(value, 8)))
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
    return "; ".join([name, *methods])


def _methods(value: Any, depth: int) -> Iterator[str]:
    if (
        type(value).__name__ == "method"
        and hasattr(value, "__self__")
        and not isinstance(value.__self__, (type, StandIn))
    ):
        yield "%s ships all of its %s" % (value.__func__.__qualname__, type(value.__self__).__qualname__)
    elif depth and isinstance(value, (tuple, list)):
        for one in value[:20]:
            yield from _methods(one, depth - 1)
    elif depth and isinstance(value, dict):
        for one in list(value.values())[:20]:
            yield from _methods(one, depth - 1)
    elif depth and type(value).__name__ == "partial":
        yield from _methods((value.func, value.args, value.keywords), depth - 1)
    elif depth and type(value).__name__ in ("_CallItem", "BatchedCalls"):
        yield from _methods(vars(value), depth - 1)
