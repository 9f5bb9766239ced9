"""Where values stand in a JSON text: what the standard library's decoder reads and does not tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Stretch:
    """The characters `start` to `end` of a JSON text that write one value."""

    start: int
    end: int


def members(text: str, at: int) -> Iterator[tuple[str, Stretch]]:
    """The keys of the object that starts at `at`, each with the stretch of its value. Raises ValueError on other text.

    A key that is there twice comes twice: of those, readers take the last.
    """
    if text[at] != "{":
        raise ValueError(f"no object starts at {at}")
    at = _past(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _past(text, _past(text, at) + 1)  # behind the colon
        end = _DECODER.raw_decode(text, start)[1]
        yield key, Stretch(start, end)
        at = _next(text, end)


def elements(text: str, at: int) -> Iterator[Stretch]:
    """The stretches of what is in the array that starts at `at`. Raises ValueError on other text."""
    if text[at] != "[":
        raise ValueError(f"no array starts at {at}")
    at = _past(text, at + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        yield Stretch(at, end)
        at = _next(text, end)


def outermost(text: str) -> int:
    """Where the value of a whole JSON text starts."""
    return _past(text, 0)


def _next(text: str, at: int) -> int:
    """Behind the comma at or after `at`, or at the bracket that closes."""
    at = _past(text, at)
    return _past(text, at + 1) if text[at] == "," else at


def _past(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
