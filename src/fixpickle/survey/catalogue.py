"""The catalogue of boundaries: which call pickles which argument, and with what."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from fixpickle.model import BoundaryEntry
from fixpickle.survey.facts import ToCall
from fixpickle.survey.unpacking import UNKNOWN

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


Literals = tuple[tuple[str, str], ...]

Given = tuple[tuple[str, frozenset[str]], ...]
"""Arguments by name, and the constants or receivers, as `<id>`, that they may be."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call that pickles some of its arguments, or a method whose `result` its caller pickles.

    Nothing crosses unless one of `needs` is given or may be unpacked, every argument in `given` is one of those, and
    none in `quiet` is. The arguments themselves are pickled where it takes them `whole`; others may go through one and
    pickle its items. It `answers` with what a task returned, which is pickled on its way back.
    """

    name: str
    params: tuple[tuple[str, str], ...]
    pickler: str
    action: str
    needs: tuple[str, ...] = ()
    given: Given = ()
    quiet: Given = ()
    foreign_main: bool = False
    whole: bool = False
    answers: bool = False

    @property
    def by_value(self) -> bool:
        """Whether functions and classes of `__main__` and of functions travel as code, so that only state can fail."""
        return self.action == _BY_VALUE

    @property
    def starts(self) -> bool:
        """Whether what crosses is handed to a process as it is started, which inherits queues and the like."""
        return self.action == _AS_IT_STARTS

    @property
    def of_result(self) -> bool:
        """Whether it is what the users' own method returns that crosses, and no argument."""
        return (_RESULT, "") in self.params

    def runs(self, position: int, keyword: str) -> bool:
        """Whether the argument at that place is the task."""
        place, name = self.params[0]
        return keyword == name if position < 0 else _covers(place, position)

    def takes(self, position: int, keyword: str) -> bool:
        """Whether the argument at that place crosses."""
        if position >= 0:
            return any(_covers(p, position) for p, _ in self.params)
        return any((keyword and keyword == name) or p == "*" for p, name in self.params)


_STANDARD = frozenset({"", "builtins", *sys.stdlib_module_names})  # of these, `flow.CARRIERS` knows which do
_BY_VALUE, _BY_NAME = "fix-state-only", "rewrite"
_AS_IT_STARTS = "rewrite-portability"
_RESULT = "result"


def _covers(place: str, position: int) -> bool:
    if place.endswith("+"):
        return position >= int(place[:-1])
    return place.isdigit() and int(place) == position


@dataclass(frozen=True)
class Catalogue:
    """All boundaries by the symbolic name of the callee, receivers written as `<id>.method`.

    `makers` and `decorators` lead from a symbolic name to the id of the receiver that it makes. `keeping` are calls of
    other libraries that are made to keep what they are given. `silent` are names that hand nothing on, whatever they
    are made of. Objects of classes below `started_bases` are pickled when they start; `inherited_values` are what can
    only be handed to a process as it is started. `plain_bases` have no say in how what inherits from them is pickled,
    and take no note of it, which is also true of `unlisted_bases`.
    """

    boundaries: Mapping[str, tuple[Boundary, ...]]
    makers: Mapping[str, str]
    decorators: Mapping[str, str]
    quiet: Mapping[str, frozenset[str]]
    bound_bases: frozenset[str]
    bound_values: frozenset[str]
    bound_modules: frozenset[str]
    bound_decorators: frozenset[str]
    serving_decorators: frozenset[str]
    by_value_modules: frozenset[str]
    by_name_modules: frozenset[str]
    keeping: frozenset[str]
    using_up: tuple[str, ...]
    started_bases: frozenset[str]
    inherited_values: frozenset[str]
    plain_bases: frozenset[str] = frozenset()
    unlisted_bases: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()

    @cached_property
    def ways_out(self) -> frozenset[str]:
        """The symbolic names of what is a boundary, or makes the receiver of one."""
        return frozenset(self.makers) | {key for key in self.boundaries if not key.startswith("<")}

    @cached_property
    def methods(self) -> frozenset[str]:
        """The names of the methods of receivers that pickle something."""
        return frozenset(key.rpartition(".")[2] for key in self.boundaries if key.startswith("<"))

    @cached_property
    def constructor_keywords(self) -> frozenset[str]:
        """The keywords of constructors whose arguments cross: `target` of a process."""
        made = (b for key, ones in self.boundaries.items() if key.rpartition(".")[2][:1].isupper() for b in ones)
        return frozenset(keyword for boundary in made for _, keyword in boundary.params if keyword)

    def knows(self, symbol: str) -> bool:
        """Whether it is a call that is a boundary, makes a receiver, or is made to keep what it is given."""
        return symbol in self.boundaries or symbol in self.makers or self.keeps(symbol)

    def match(self, call: ToCall, symbol: str = "", literals: Literals = ()) -> Boundary | None:
        """The boundary that a value handed to this call crosses, or None where it stays in the process.

        `symbol` is what the callee stands for, where more is known than the call says, and `literals` what that was
        made with.
        """
        found = self.boundaries.get(self.normal(symbol or call.callee))
        if found is None or {call.callee, symbol} & self.silent:
            return None
        known = {**dict(literals), **dict(call.literals)}
        if any(value in self.quiet.get(key, ()) for key, value in known.items()):
            return None
        for boundary in found:
            if boundary.takes(call.position, call.keyword) and self._crosses(boundary, known):
                return boundary
        return None

    def crosses(self, symbol: str) -> bool:
        """Whether anything at all crosses a boundary that is called so."""
        return self.normal(symbol) in self.boundaries

    def match_result(self, method: str) -> Boundary | None:
        """The boundary that the result of a method crosses, by the symbolic name of the method in a base class."""
        return next((b for b in self.boundaries.get(method, ()) if b.of_result), None)

    def leaving(self, symbols: Iterable[str]) -> str:
        """The one of these that is a boundary or the receiver of one; empty where none is, or several are."""
        found = {s for s in symbols if s in self.ways_out or self._made(s).startswith("<")}
        return found.pop() if len(found) == 1 else ""

    def keeps(self, symbol: str) -> bool:
        """Whether what this call of another library gives is made to be kept, with all that it is given."""
        return symbol in self.keeping or f"{symbol.rpartition('.')[0]}.*" in self.keeping

    def may_keep(self, symbol: str) -> bool:
        """Whether what this call gives may carry its arguments: by its name, it is an object of another library."""
        top, last = symbol.partition(".")[0], symbol.rpartition(".")[2]
        if top in _STANDARD or top in self.bound_modules or symbol in self.makers or symbol.endswith(self.using_up):
            return False
        return (last[:1].isupper() and "(" not in symbol) or self.keeps(symbol)

    def _crosses(self, boundary: Boundary, known: Mapping[str, str]) -> bool:
        if boundary.needs and not any(name in known for name in (*boundary.needs, UNKNOWN)):
            return False
        if any(known.get(name) in values for name, values in boundary.quiet):
            return False
        return all({known.get(name, ""), self._made(known.get(name, ""))} & values for name, values in boundary.given)

    def normal(self, symbol: str) -> str:
        """`multiprocessing.get_context().Pool().map` as `<multiprocessing.pool.Pool>.map`."""
        head = self._made(symbol).removesuffix(".__init__")
        return f"{head}.__call__" if head.endswith(">") else head

    def _made(self, symbol: str) -> str:
        head, *rest = symbol.split("()")
        for part in rest:
            if part == ".__init__":
                continue  # `super().__init__(target=f)` takes what the constructor takes
            receiver = self.makers.get(head)
            head = (f"<{receiver}>" if receiver else f"{head}()") + part
        return head

    def receiver_by_decorator(self, symbol: str) -> str:
        """The id of the receiver that this decorator makes of a function, or an empty string."""
        return self.decorators.get(symbol) or self.decorators.get(self.normal(symbol), "") if symbol else ""


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the package, read once."""
    data = tomllib.loads(files("fixpickle.survey").joinpath("boundaries.toml").read_text("utf-8"))
    table: dict[str, list[Boundary]] = {}
    for entry in data["boundary"]:
        for name in entry["names"]:
            method = f"{entry.get('receiver')}.{name.rpartition('.')[2]}"
            owned = entry["kind"] == "method"
            key = f"<{entry['receiver']}>.{name.rpartition('.')[2]}" if owned else name
            table.setdefault(key, []).append(_boundary(entry, method if owned else name))
    receivers = data["receiver"]
    return Catalogue(
        boundaries={k: tuple(v) for k, v in table.items()},
        makers={maker: r["id"] for r in receivers for maker in (r["id"], *r["makers"])},
        decorators={name: r["id"] for r in receivers for name in r.get("decorators", ())},
        quiet={k: frozenset(v) for k, v in data["quiet"].items()},
        bound_bases=frozenset(data["process_bound"]["bases"]),
        bound_values=frozenset(data["process_bound"]["values"]),
        bound_modules=frozenset(data["process_bound"]["modules"]),
        bound_decorators=frozenset(data["process_bound"]["decorators"]),
        serving_decorators=frozenset(data["process_bound"]["methods"]),
        by_value_modules=frozenset(data["ships"]["by_value"]),
        by_name_modules=frozenset(data["ships"]["by_name"]),
        keeping=frozenset(data["keeps"]["names"]),
        using_up=tuple(data["keeps"]["uses_up"]),
        started_bases=frozenset(data["started"]["bases"]),
        inherited_values=frozenset(data["started"]["inherits"]),
        plain_bases=frozenset(data["bases"]["plain"]),
        unlisted_bases=frozenset(data["bases"]["unlisted"]),
    )


@cache
def answering() -> frozenset[str]:
    """The names of the methods whose results cross."""
    found = (key for key, ones in catalogue().boundaries.items() if any(one.of_result for one in ones))
    return frozenset(key.rpartition(".")[2] for key in found)


def _boundary(entry: Mapping[str, Any], name: str) -> Boundary:
    return Boundary(
        name=name.replace("<mp_ctx>", "multiprocessing").removesuffix(".__call__"),
        params=tuple((place, keyword) for place, keyword in entry["params"]),
        pickler=entry["pickler"],
        action=entry["action"],
        needs=tuple(entry.get("needs", ())),
        given=_given(entry.get("given", {})),
        quiet=_given(entry.get("quiet", {})),
        foreign_main=entry.get("main", entry["action"] == "rewrite-persist"),
        whole=entry.get("whole", False),
        answers=entry.get("answers", False),
    )


def _given(table: Mapping[str, Iterable[str]]) -> Given:
    return tuple((name, frozenset(values)) for name, values in table.items())


def configured(entries: Iterable[BoundaryEntry], quiet: Collection[str]) -> Catalogue:
    """The catalogue of the package with a project's own boundaries before its own, and without the names in `quiet`.

    A name in `quiet` is one of the catalogue's, as `docs/boundaries.md` lists them, or of a function of the project.
    """
    base = catalogue()
    table, makers, decorators = dict(base.boundaries), dict(base.makers), dict(base.decorators)
    for entry in entries:
        for name in entry.names:
            key = name
            if entry.decorator:
                decorators[name], key = name, f"<{name}>.__call__"
            elif entry.receiver:
                receiver = makers.setdefault(entry.receiver, entry.receiver)
                key = f"<{receiver}>.{name.rpartition('.')[2]}"
            table[key] = (_configured(entry, name), *table.get(key, ()))
    kept = {k: tuple(b for b in v if b.name not in quiet) for k, v in table.items() if k not in quiet}
    silent = base.silent | frozenset(quiet)
    return replace(base, boundaries=kept, makers=makers, decorators=decorators, silent=silent)


def _configured(entry: BoundaryEntry, name: str) -> Boundary:
    return Boundary(
        name=name,
        params=entry.params,
        pickler=entry.pickler,
        action=_BY_VALUE if entry.by_value else _BY_NAME,
        needs=entry.needs,
        quiet=_given(entry.quiet),
    )
