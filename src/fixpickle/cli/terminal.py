"""What a terminal is told, and whether it is one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fixpickle.model import Color

Progress = Callable[[str, int, int], None]

_SECONDS_BETWEEN = 0.1
_SECONDS_BEFORE = 2  # an estimate from less is none


def in_color(asked: Color, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to write to `stream` in colour.

    An empty variable says nothing. Sources: no-color.org, force-color.org.
    """
    if asked.value != "auto":
        return asked.value == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def put(stream: TextIO, text: str | bytes) -> None:
    """Writes text, with escapes where the stream's encoding has no such character, or bytes as they are."""
    stream.flush()
    data = text if isinstance(text, bytes) else text.encode(stream.encoding or "utf-8", "backslashreplace")
    stream.buffer.write(data)
    stream.buffer.flush()


def complain(reason: str) -> None:
    """One line on stderr, in the place of the line of a progress that may be there."""
    clear(sys.stderr, quiet=False)
    put(sys.stderr, f"fixpickle: {reason}\n")


def abandon(stream: TextIO) -> None:
    """Forgets a closed pipe, so that the interpreter does not stumble over it once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Terminated(BaseException):
    """Somebody asked this process to end, with SIGTERM."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raises Terminated where the process is asked to end: what it started has to be ended as well."""

    def end(*_: object) -> None:
        raise Terminated

    former = signal.signal(signal.SIGTERM, end) if threading.current_thread() is threading.main_thread() else None
    try:
        yield
    finally:
        if former is not None:
            signal.signal(signal.SIGTERM, former)


def progress(stream: TextIO, quiet: bool) -> Progress:
    """Says how far a run is, on one line that it keeps rewriting; silent where nobody watches."""
    if quiet or not _is_watched(stream):
        return lambda _what, _done, _of: None
    return _Line(stream)


@dataclass(slots=True)
class _Line:
    """The line of the progress: what is done, how much of it, and in what time it will be, once that can be told.

    A step is another one when its count starts over, or is one of another number.
    """

    stream: TextIO
    shown: float = 0.0
    began: float = 0.0
    first: int = 0
    last: tuple[int, int] = (0, 0)

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if done < self.last[0] or of != self.last[1]:
            self.began, self.first, self.shown = now, done, 0.0
        self.last = (done, of)
        if now - self.shown >= _SECONDS_BETWEEN:
            self.shown = now
            put(self.stream, f"\r\x1b[K{_fitted(what, f'{done}/{of}', self._left(now), _columns(self.stream))}")

    def _left(self, now: float) -> str:
        done, of = self.last
        taken, made = now - self.began, done - self.first
        if taken < _SECONDS_BEFORE or made <= 0:
            return ""
        seconds = round(taken / made * (of - done))
        return f", {seconds // 60} min {seconds % 60} s left" if seconds >= 60 else f", {seconds} s left"


def _fitted(what: str, count: str, left: str, columns: int) -> str:
    """The line as far as it goes: one that is broken by the terminal could not be taken away again."""
    words = what.split()
    shorter = (" ".join([*words[:kept], count]) for kept in range(len(words), -1, -1))
    return next((line for line in (f"{what} {count}{left}", *shorter) if len(line) < columns), "")


def _columns(stream: TextIO) -> int:
    """How wide a terminal is; as wide as the first ones were where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def clear(stream: TextIO, quiet: bool) -> None:
    """Takes the progress line away."""
    if not quiet and _is_watched(stream):
        put(stream, "\r\x1b[K")


def _is_watched(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
