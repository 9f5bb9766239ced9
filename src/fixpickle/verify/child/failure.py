"""Steps of the proof that do not work: what user code raises is an outcome, not an error of ours."""

from __future__ import annotations

import contextlib
import re
from typing import Iterator


class Failure(Exception):
    """A step of the proof did not work. `stage` is import, build, dump, load or absent."""

    def __init__(self, stage: str, error: str | BaseException) -> None:
        Exception.__init__(self, stage, error)
        self.stage = stage
        self.error = error if isinstance(error, str) else told(error)


def told(error: BaseException) -> str:
    """`Type: message` on one line, at most 300 characters. A message that cannot be made is left out.

    Addresses are left out too, which differ from run to run: from Python 3.14 most messages of pickle have one.
    """
    try:
        message = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)).split())
    except BaseException:
        message = ""
    text = "%s: %s" % (type(error).__name__, message) if message else type(error).__name__
    return text if len(text) <= 300 else text[:299] + "\u2026"


class Mismatch(Exception):
    """It crossed, and is not what was sent."""


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise Mismatch(otherwise)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Whatever user code raises, SystemExit and KeyboardInterrupt included, is the outcome of that stage."""
    try:
        yield
    except Failure:
        raise
    except Mismatch as mismatch:
        raise Failure(name, str(mismatch)) from mismatch
    except BaseException as error:
        raise Failure(name, error) from error
