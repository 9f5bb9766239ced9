"""What the value of a setting may be: how it is read from TOML, how it is said in words and to an editor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from fixpickle.boundaries import SCHEMA, entries
from fixpickle.model import Format

Json = Mapping[str, object]

_MOST_JOBS = 1024


def _as_it_is(value: object, _base: Path) -> object:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """What the value of a setting may be.

    `words` say it after "must be", `schema` in the words of JSON Schema. `read` takes what TOML gives, and the command
    line in the same form; it returns the value, None where it does not fit, or a more exact complaint. `place` makes of
    that what :class:`Settings` has, where it counts from the folder of the place that said it. `form` is the type of
    one value in words: `bool`, `str`, `list` or an Enum. Lists that are split at `commas` are said in one word.
    """

    words: str
    read: Callable[[object], object]
    schema: Json
    form: type = str
    commas: bool = False
    place: Callable[[object, Path], object] = field(default=_as_it_is)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
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


def _jobs(value: object) -> int | None:
    # The command line has words alone.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST_JOBS else None


def _pairs(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        return None
    return dict(value)


def _ignores(value: object) -> Mapping[str, frozenset[str]] | None:
    if not isinstance(value, Mapping):
        return None
    found = {pattern: _names(rules) for pattern, rules in value.items()}
    whole = {pattern: rules for pattern, rules in found.items() if pattern and rules is not None}
    return whole if len(whole) == len(value) else None


_FORMATS = {form.value: form for form in Format}


def _outputs(value: object) -> tuple[tuple[Format, str], ...] | None:
    strings = _strings(value)
    if strings is None:
        return None
    pairs = [text.partition("=") for text in strings]
    if not all(name in _FORMATS and path for name, _, path in pairs):
        return None
    return tuple((_FORMATS[name], path) for name, _, path in pairs)


def _path_from(value: object, base: Path) -> Path:
    return Path(os.path.normpath(base / Path(str(value)).expanduser()))


def _paths_from(value: object, base: Path) -> object:
    pairs = value if isinstance(value, tuple) else ()
    return tuple((form, _path_from(path, base)) for form, path in pairs)


def _with_base(value: object, base: Path) -> object:
    return value, base


def choice(of: type[Enum]) -> Kind:
    """One of the values of an Enum of strings."""
    members = {member.value: member for member in of}

    def read(value: object) -> Enum | None:
        return members.get(value) if isinstance(value, str) else None

    return Kind("one of " + ", ".join(members), read, {"enum": list(members)}, of)


_TEXT = {"type": "string", "minLength": 1}
_RULE_NAMES = {"type": "array", "items": {"$ref": "#/definitions/rule"}}
_TEXTS = {"type": "array", "items": {"type": "string"}}

RULES = Kind("a list of rule names", _names, _RULE_NAMES, list, commas=True)
PATTERNS = Kind("a list of patterns", _strings, _TEXTS, list)
CALLS = Kind("a list of names of calls", _names, _TEXTS, list)
TRUTH = Kind("true or false", _truth, {"type": "boolean"}, bool)
TEXT = Kind("a string", _string, _TEXT)
INTERPRETER = Kind("the path of an interpreter", _string, _TEXT, place=_with_base)
BASELINE_FILE = Kind("the path of a baseline file", _string, _TEXT, place=_path_from)
CONFIGURATION = Kind("the path of a configuration file", _string, _TEXT, place=_path_from)
VERSIONS = Kind('a version or a range of versions, as in ">=0.1,<1"', _string, _TEXT)
FACTORIES = Kind(
    "a table of class = factory, both strings",
    _pairs,
    {"type": "object", "additionalProperties": {"type": "string"}},
)
IGNORES = Kind(
    "a table of pattern = list of rule names",
    _ignores,
    {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": _RULE_NAMES},
)
OUTPUTS = Kind(
    "a list of FORMAT=FILE with a format of " + ", ".join(_FORMATS),
    _outputs,
    {"type": "array", "items": {"type": "string", "pattern": f"^({'|'.join(_FORMATS)})=.+"}},
    list,
    place=_paths_from,
)
BOUNDARIES = Kind("tables, each a call that pickles its arguments", entries, {"type": "array", "items": SCHEMA})
FOLDER = Kind("the path of a folder", _string, _TEXT, place=_path_from)
JOBS = Kind(f"a whole number from 0 to {_MOST_JOBS}", _jobs, {"type": "integer", "minimum": 0, "maximum": _MOST_JOBS})
SECONDS = Kind("a number of seconds above 0", _number, {"type": "number", "exclusiveMinimum": 0})
COUNT = Kind("a whole number above 0", _whole, {"type": "integer", "exclusiveMinimum": 0})
MEGABYTES = Kind("a whole number of megabytes above 0", _whole, {"type": "integer", "exclusiveMinimum": 0})
