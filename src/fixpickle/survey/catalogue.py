"""The catalogue of boundaries: which call pickles which argument, and with what."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fixpickle.survey.facts import ToCall

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call that pickles some of its arguments."""

    name: str
    params: tuple[tuple[str, str], ...]
    pickler: str
    action: str
    needs: tuple[str, ...]
    foreign_main: bool

    @property
    def by_value(self) -> bool:
        """Whether functions and classes of `__main__` and of functions travel as code, so that only state can fail."""
        return self.action == "fix-state-only"

    def takes(self, position: int, keyword: str) -> bool:
        """Whether the argument at that place crosses."""
        if position >= 0:
            return any(_covers(p, position) for p, _ in self.params)
        return any((keyword and keyword == name) or p == "*" for p, name in self.params)


def _covers(place: str, position: int) -> bool:
    if place.endswith("+"):
        return position >= int(place[:-1])
    return place.isdigit() and int(place) == position


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All boundaries by the symbolic name of the callee, receivers written as `<id>.method`."""

    boundaries: Mapping[str, tuple[Boundary, ...]]
    makers: Mapping[str, str]
    quiet: Mapping[str, frozenset[str]]
    bound_bases: frozenset[str]
    bound_values: frozenset[str]
    bound_modules: frozenset[str]

    def match(self, call: ToCall) -> Boundary | None:
        """The boundary that a value handed to this call crosses, or None where it stays in the process."""
        literals = dict(call.literals)
        if any(value in self.quiet.get(key, ()) for key, value in literals.items()):
            return None
        for boundary in self.boundaries.get(self.normal(call.callee), ()):
            if boundary.takes(call.position, call.keyword) and (
                not boundary.needs or any(n in literals for n in boundary.needs)
            ):
                return boundary
        return None

    def normal(self, symbol: str) -> str:
        """`multiprocessing.get_context().Pool().map` as `<multiprocessing.pool.Pool>.map`."""
        head, *rest = symbol.split("()")
        for part in rest:
            receiver = self.makers.get(head)
            head = (f"<{receiver}>" if receiver else f"{head}()") + part
        return f"{head}.__call__" if head.endswith(">") else head


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the package, read once."""
    data = tomllib.loads(files("fixpickle.survey").joinpath("boundaries.toml").read_text("utf-8"))
    table: dict[str, list[Boundary]] = {}
    for entry in data["boundary"]:
        boundary = _boundary(entry)
        for name in entry["names"]:
            key = f"<{entry['receiver']}>.{name.rpartition('.')[2]}" if entry["kind"] == "method" else name
            table.setdefault(key, []).append(boundary)
    return Catalogue(
        boundaries={k: tuple(v) for k, v in table.items()},
        makers={maker: r["id"] for r in data["receiver"] for maker in r["makers"]},
        quiet={k: frozenset(v) for k, v in data["quiet"].items()},
        bound_bases=frozenset(data["process_bound"]["bases"]),
        bound_values=frozenset(data["process_bound"]["values"]),
        bound_modules=frozenset(data["process_bound"]["modules"]),
    )


def _boundary(entry: Mapping[str, Any]) -> Boundary:
    return Boundary(
        name=entry["names"][0],
        params=tuple((place, keyword) for place, keyword in entry["params"]),
        pickler=entry["pickler"],
        action=entry["action"],
        needs=tuple(entry.get("needs", ())),
        foreign_main=entry.get("main", entry["action"] == "rewrite-persist"),
    )
