"""The tables of `[[tool.fixpickle.boundaries]]` -> entries of the catalogue, or what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from fixpickle.model import BoundaryEntry

PICKLERS = ("pickle", "cloudpickle", "dill", "deepcopy")

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PLACE = re.compile(r"\d+\+?|\*|")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with the table of that number, counted from 0, and the key that is to blame, where one is."""

    table: int
    key: str
    reason: str


def entries(value: object) -> tuple[BoundaryEntry, ...] | Wrong:
    """One entry for each table, in their order, or the first mistake."""
    if not isinstance(value, list) or not all(isinstance(table, Mapping) for table in value):
        return Wrong(0, "", "`boundaries` must be tables, written as [[tool.fixpickle.boundaries]]")
    found: list[BoundaryEntry] = []
    for number, table in enumerate(value):
        one = _entry(number, table)
        if isinstance(one, Wrong):
            return one
        found.append(one)
    return tuple(found)


def _entry(number: int, table: Mapping[str, object]) -> BoundaryEntry | Wrong:
    for key, value in table.items():
        if key not in _KEYS:
            close = get_close_matches(key.lower().replace("_", "-"), list(_KEYS), n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            return Wrong(number, key, f"unknown key `{key}`{meant}")
        fits, words, _ = _KEYS[key]
        if not fits(value):
            close = get_close_matches(value, PICKLERS, n=1) if key == "pickler" and isinstance(value, str) else []
            meant = f"; did you mean `{close[0]}`?" if close else ""
            return Wrong(number, key, f"`{key}` must be {words}{meant}")
    for key in ("names", "params"):
        if key not in table:
            return Wrong(number, "", f"a boundary needs `{key}`, {_KEYS[key][1]}")
    if table.get("decorator") and "receiver" in table:
        return Wrong(number, "receiver", "`receiver` is for methods, and a decorator is none")
    return _made(table)


def _made(table: Mapping[str, object]) -> BoundaryEntry:
    """The entry of a table whose values are known to fit."""
    quiet = table.get("quiet")
    return BoundaryEntry(
        names=_strings(table["names"]),
        params=tuple((place, keyword) for place, keyword in map(_strings, _items(table["params"]))),
        receiver=str(table.get("receiver", "")),
        pickler=str(table.get("pickler", "pickle")),
        by_value=table.get("by-value") is True,
        decorator=table.get("decorator") is True,
        needs=_strings(table.get("needs")),
        quiet={key: _strings(values) for key, values in quiet.items()} if isinstance(quiet, Mapping) else {},
    )


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in _items(value))


# --- what a value may be --------------------------------------------------------------------------------------------


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _are_names(value: object) -> bool:
    return bool(_items(value)) and all(map(_is_name, _items(value)))


def _are_words(value: object) -> bool:
    return bool(_items(value)) and all(isinstance(item, str) and item for item in _items(value))


def _are_params(value: object) -> bool:
    return bool(_items(value)) and all(map(_is_param, _items(value)))


def _is_param(pair: object) -> bool:
    match pair:
        case [str(place), str(keyword)]:
            return bool(place or keyword) and _PLACE.fullmatch(place) is not None
    return False


def _is_pickler(value: object) -> bool:
    return value in PICKLERS


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_quiet(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_are_words, value.values()))


_NAME_SCHEMA = {"type": "string", "pattern": f"^{_NAME.pattern}$"}
_WORDS_SCHEMA = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
_PARAM_SCHEMA = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}}

_KEYS: Mapping[str, tuple[Callable[[object], bool], str, Mapping[str, object]]] = {
    "names": (
        _are_names,
        "a list of dotted names as they are imported",
        {"type": "array", "minItems": 1, "items": _NAME_SCHEMA},
    ),
    "params": (
        _are_params,
        'a list of pairs [place, keyword], as in [["0", "fn"], ["1+", ""]]',
        {"type": "array", "minItems": 1, "items": _PARAM_SCHEMA},
    ),
    "receiver": (_is_name, "the dotted name of the class whose instances have the method", _NAME_SCHEMA),
    "pickler": (_is_pickler, "one of " + ", ".join(PICKLERS), {"enum": list(PICKLERS)}),
    "by-value": (_is_truth, "true or false", {"type": "boolean"}),
    "decorator": (_is_truth, "true or false", {"type": "boolean"}),
    "needs": (_are_words, "a list of keywords", _WORDS_SCHEMA),
    "quiet": (
        _is_quiet,
        "a table of keyword = list of constants as Python writes them",
        {"type": "object", "additionalProperties": _WORDS_SCHEMA},
    ),
}

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["names", "params"],
    "properties": {key: {**schema, "description": words} for key, (_, words, schema) in _KEYS.items()},
}
"""One of the tables, in the words of JSON Schema."""
