"""Names that a library took away or moved, release by release, and what stands in their place."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

Release = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A name that fails from the release `gone` on, in the form that is meant.

    `name` is dotted, and that of an argument stands in brackets behind its call: `ray.tune.run(loggers)`.
    `instead` is what to use, in words, and `to` the new name where the old one only moved. The new form is there from
    `since` on. Where `given` is not None, a call must have a keyword, and none of those, nor only those of `beside`
    with an argument that has no name. What moved still `has` these names in it, or all where none is given. An argument
    may still be one of the constants `taken`, as Python writes them, and said nothing where it was one of `idle`.
    Where it is `inside` something, "trainable" or "tuner", the name fails there alone, and loading it does not.
    """

    name: str
    gone: Release
    instead: str
    to: str
    since: Release
    given: frozenset[str] | None
    beside: frozenset[str]
    has: frozenset[str]
    taken: frozenset[str]
    idle: frozenset[str]
    inside: str

    def means(self, called: bool, keywords: Iterable[str]) -> bool:
        """Whether a use of the name is in the old form.

        `keywords` are those of the call, `**` for unpacked ones and "" for each argument without a name.
        """
        used = frozenset(keywords)
        named = used - {""}
        if self.given is not None:
            return called and bool(named) and not named & self.given and not ("" in used and named <= self.beside)
        return True


@cache
def moved() -> Mapping[str, Moved]:
    """Every such name, with what is known of it."""
    data = tomllib.loads(files("fixpickle.survey").joinpath("moved.toml").read_text("utf-8"))
    return {one.name: one for entry in data["moved"] for one in _entries(entry)}


def release(text: str) -> Release:
    """`2.41.0` as numbers that compare; what follows the last number is left out."""
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def behind(symbol: str) -> Moved | None:
    """What is known of a name, or of the module it would be in."""
    table, parts = moved(), symbol.split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((table[name] for name in names if name in table), None)


def _entries(entry: Mapping[str, object]) -> Iterable[Moved]:
    names, gone, to = entry["names"], release(str(entry["gone"])), str(entry.get("to", ""))
    given = entry.get("given")
    assert isinstance(names, list)
    for name in names:
        yield Moved(
            name=name,
            gone=gone,
            instead=str(entry["instead"]),
            to=to.replace("*", name.rpartition(".")[2]),
            since=release(str(entry.get("since", entry["gone"]))),
            given=frozenset(given) if isinstance(given, list) else None,
            beside=_words(entry, "beside"),
            has=_words(entry, "has"),
            taken=_words(entry, "taken"),
            idle=_words(entry, "idle"),
            inside=str(entry.get("inside", "")),
        )


def _words(entry: Mapping[str, object], key: str) -> frozenset[str]:
    found = entry.get(key, [])
    assert isinstance(found, list)
    return frozenset(found)
