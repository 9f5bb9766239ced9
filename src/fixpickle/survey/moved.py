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

    `instead` is what to use, in words, and `to` the new name where the old one only moved. The new form is there from
    `since` on. `keywords` are those of which a call must have one to be meant; where `given` is not None, a call must
    have a keyword, and none of those, nor only those of `beside` with an argument that has no name.
    """

    name: str
    gone: Release
    instead: str
    to: str
    since: Release
    keywords: frozenset[str]
    given: frozenset[str] | None
    beside: frozenset[str]

    def means(self, called: bool, keywords: Iterable[str]) -> bool:
        """Whether a use of the name is in the old form.

        `keywords` are those of the call, `**` for unpacked ones and "" for each argument without a name.
        """
        used = frozenset(keywords)
        named = used - {""}
        if self.keywords:
            return called and bool(used & self.keywords)
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
    given, keywords, beside = entry.get("given"), entry.get("keywords", []), entry.get("beside", [])
    assert isinstance(names, list) and isinstance(keywords, list) and isinstance(beside, list)
    for name in names:
        yield Moved(
            name=name,
            gone=gone,
            instead=str(entry["instead"]),
            to=to.replace("*", name.rpartition(".")[2]),
            since=release(str(entry.get("since", entry["gone"]))),
            keywords=frozenset(keywords),
            given=frozenset(given) if isinstance(given, list) else None,
            beside=frozenset(beside),
        )
