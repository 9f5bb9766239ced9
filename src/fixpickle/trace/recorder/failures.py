"""What failed: told in full the first times that it does at a line, and only counted from then on."""

from __future__ import annotations

from _thread import get_ident

from . import payloads
from .log import log
from .payloads import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Set, Tuple

_ALIKE = 3  # failures of one kind at one line that are looked into
_EXPECTED = (KeyboardInterrupt, SystemExit, EOFError)  # no failures of a pickler

_BUSY: Set[int] = set()
"""The threads that look into a failure: what is pickled there is not the program's doing."""


class Met:
    """Failures of one kind at one line. `code` is held so that its number stays its own."""

    __slots__ = ("code", "error", "instruction", "line", "looked", "pickler", "times", "value")

    def __init__(self, pickler: str, code: Any, instruction: int, error: type, value: type) -> None:
        self.pickler, self.code, self.instruction = pickler, code, instruction
        self.error, self.value = error, value
        self.looked = 0
        self.times = 0  # since the last write, besides those that were looked into
        self.line: Dict[str, Any] = {}


_NOTHING = Met("", None, 0, type(None), type(None))
_MET: Dict[Tuple[Any, ...], Met] = {}
_last = _NOTHING


def failed(kind: str, pickler: str, value: Any, error: BaseException, frame: Any, like: Any = None) -> None:
    """Tell of a failure once, where it happened first; the same error on its way out through other calls is none.

    `kind` is dump, load or copy; `value` what was pickled or copied, or the pickle; `frame` the caller's; `like` the
    pickler whose reducers count.
    """
    global _last
    trace: Any = error.__traceback__
    if (trace.tb_next is not None and _is_told(trace.tb_next)) or (_BUSY and get_ident() in _BUSY):
        return
    met = _last  # most often it is the same again, and finding that out costs less than a number of numbers
    if (
        met.instruction != frame.f_lasti
        or met.code is not frame.f_code
        or met.error is not type(error)
        or met.value is not type(value)
        or met.pickler is not pickler
    ):
        if isinstance(error, _EXPECTED):
            return
        key = (pickler, id(frame.f_code), frame.f_lasti, type(error), type(value))
        met = _MET.get(key) or _MET.setdefault(key, Met(pickler, frame.f_code, *key[2:]))
        _last = met
    if met.looked < _ALIKE:
        met.looked += 1
        _look(met, kind, pickler, value, error, frame, like)
        return
    met.times += 1
    if (met.times < 64 or not met.times % 64) and payloads.is_due(clock()):
        payloads.flush()


def _look(met: Met, kind: str, pickler: str, value: Any, error: BaseException, frame: Any, like: Any) -> None:
    _BUSY.add(get_ident())
    held = log.importing.acquire(timeout=5.0)  # never for ever: the thread that has it may wait for this one
    try:
        from .looking import told

        line = told(kind, pickler, value, error, frame, like)
        met.line = {name: line[name] for name in ("kind", "pickler", "error", "site")}
        log.write(failed=line)
    except Exception as problem:
        log.write(problem="%s: %s while looking into %s" % (type(problem).__name__, problem, type(error).__name__))
    finally:
        if held:
            log.importing.release()
        _BUSY.discard(get_ident())


def _is_told(trace: Any) -> bool:
    """Whether another call of ours, inside the one that an error now leaves, has told of it."""
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__") == _RECORDING and frame.f_code.co_name in _NAMES:
            return True
        trace = trace.tb_next
    return False


_RECORDING = "%s.picklers" % __package__
_NAMES = ("dumps", "dump", "loads", "load", "deepcopy")


def _again() -> None:
    """Write how often what was told of failed again."""
    for met in list(_MET.values()):
        times, met.times = met.times, 0
        if times and met.line:
            log.write(again={**met.line, "times": times})


payloads.waiting.append(_again)


def after_fork() -> None:
    """Nothing has failed in this process yet."""
    global _last
    _last = _NOTHING
    _MET.clear()
    _BUSY.clear()
