"""What the value of a setting may be: how it is read from TOML, and how it is said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from fixpickle.boundaries import entries


@dataclass(frozen=True, slots=True)
class Kind:
    """What the value of a setting may be.

    `words` say it after "must be". `read` takes what TOML gives, and the command line in the same form; it returns the
    value as :class:`Settings` has it, None where it does not fit, or a more exact complaint. `form` is the type of one
    value in words: `bool`, `str`, `list` or an Enum. Lists that are split at `commas` are said in one word.
    """

    words: str
    read: Callable[[object], object]
    form: type = str
    commas: bool = False


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _names(value: object) -> frozenset[str] | None:
    strings = _strings(value)
    return None if strings is None else frozenset(strings)


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    # TOML has inf and nan. A limit that never ends is no limit, and nan is refused by the comparison.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _pairs(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        return None
    return dict(value)


def choice(of: type[Enum]) -> Kind:
    """One of the values of an Enum of strings."""
    members = {member.value: member for member in of}

    def read(value: object) -> Enum | None:
        return members.get(value) if isinstance(value, str) else None

    return Kind("one of " + ", ".join(members), read, of)


RULES = Kind("a list of rule names", _names, list, commas=True)
PATTERNS = Kind("a list of patterns", _strings, list)
CALLS = Kind("a list of names of calls", _names, list)
TRUTH = Kind("true or false", _truth, bool)
INTERPRETER = Kind("the path of an interpreter", _string)
BASELINE_FILE = Kind("the path of a baseline file", _string)
FACTORIES = Kind("a table of class = factory, both strings", _pairs)
BOUNDARIES = Kind("tables, each a call that pickles its arguments", entries)
SECONDS = Kind("a number of seconds above 0", _number)
COUNT = Kind("a whole number above 0", _whole)
MEGABYTES = Kind("a whole number of megabytes above 0", _whole)
