"""Which of the project's classes have instances that cross a boundary, and on which way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fixpickle.link.places import place
from fixpickle.link.spread import Spread
from fixpickle.link.symbols import Symbols
from fixpickle.survey.catalogue import Boundary
from fixpickle.survey.facts import Facts, Instance, Sink, ToAttribute, ToCall

_STEPS = 4  # objects that hold objects, and functions that return what functions return


@dataclass(frozen=True, slots=True)
class Shipment:
    """An object of the class `cls` that crosses a boundary at a line of `owner`; `words` say it to a reader.

    A class ships objects `by_itself` where its own methods hand over `self`, and where they are processes. An object
    is `held` where it goes along with another that keeps it.
    """

    cls: str
    boundary: Boundary
    words: str
    owner: Facts
    line: int
    by_itself: bool
    held: bool = False

    def step(self, home: Facts) -> str:
        """The step that a reader of `home` can follow."""
        return f"{self.words} {self.boundary.name} {place(home, self.owner, self.line)}"


_Table = dict[str, dict[tuple[str, Boundary], "Shipment"]]
"""Shipments by the class they speak for; of one class over one boundary, the first will do."""


class Shipments:
    """Reads what becomes of instances, from every file."""

    def __init__(
        self, files: Sequence[Facts], symbols: Symbols, spread: Spread, hides: Callable[[Facts, str, str], object]
    ) -> None:
        """`hides` says whether instances of a class of a file are pickled without an attribute, as far as is known."""
        self.files, self.symbols, self.spread, self.hides = files, symbols, spread, hides

    def of(self, symbol: str) -> tuple[Shipment, ...]:
        """The ways on which instances of a class of the project cross, or of a class that has it as a base."""
        return tuple(self._found.get(symbol, {}).values())

    def of_made(self, symbol: str) -> tuple[Shipment, ...]:
        """The ways on which instances of this very class cross."""
        own = {name for name, _ in self.symbols.lineage(symbol)}
        return tuple(s for s in self.of(symbol) if s.cls in own)

    @cached_property
    def _found(self) -> _Table:
        table: _Table = {}
        held: dict[tuple[str, str, str, str], None] = {}
        met: set[bytes] = set()
        for facts, instance, classes in self._made():
            sinks = self.spread.taking.leading(instance.sinks)
            key = _digest((classes, instance.exact, *(_alike(facts, sink) for sink in sinks)))
            if not sinks or key in met:
                continue
            met.add(key)
            for way in self.spread.ways(facts, sinks):
                if isinstance(way.sink, ToAttribute):
                    holder = f"{way.owner.module}.{way.sink.cls}"
                    if way.lasting and not self.hides(way.owner, way.sink.cls, way.sink.attribute):
                        held.update(((name, holder, way.sink.attribute, way.sink.cls), None) for name in classes)
                elif isinstance(way.sink, ToCall) and (boundary := self.spread.callees.boundary(way.sink)) is not None:
                    for name in classes:
                        words, itself = self._words(name, instance), instance.of_self
                        shipment = Shipment(name, boundary, words, way.owner, way.sink.line, itself)
                        self._ship(table, shipment, instance.exact)
        for shipment in self._started():
            self._ship(table, shipment, exact=True)
        self._ship_holders(table, held)
        return table

    def _ship_holders(self, table: _Table, held: Iterable[tuple[str, str, str, str]]) -> None:
        """What is kept in an object goes where that goes: a class, its holder, the attribute and whose that is."""
        for _ in range(_STEPS):
            for name, holder, attribute, owner in held:
                where = f"in self.{attribute}" if attribute else "by a base"
                for one in tuple(table.get(holder, {}).values()):
                    words = f"{name.rpartition('.')[2]} is kept {where} of {owner}, and {one.words}"
                    self._ship(table, replace(one, cls=name, words=words, by_itself=False, held=True), True)

    def _started(self) -> Iterator[Shipment]:
        """The classes that are processes, bases first: to start one is to pickle it, where it is not forked."""
        catalogue = self.spread.catalogue
        found: list[tuple[int, Shipment]] = []
        for facts in self.files:
            for cls in facts.classes:
                symbol = f"{facts.module}.{cls.name}"
                lineage = list(self.symbols.lineage(symbol))
                base = next((name for name, own in lineage if own is None and name in catalogue.started_bases), "")
                words = f"{cls.name} is pickled as it starts, being a"
                for boundary in catalogue.boundaries.get(base, ()):
                    found.append((len(lineage), Shipment(symbol, boundary, words, facts, cls.line, by_itself=True)))
        yield from (shipment for _, shipment in sorted(found, key=lambda pair: pair[0]))

    def _ship(self, table: _Table, shipment: Shipment, exact: bool) -> None:
        key = shipment.cls, shipment.boundary
        for symbol, found in self.symbols.lineage(shipment.cls):
            if found is not None:
                table.setdefault(symbol, {}).setdefault(key, shipment)
        for owner, heir in () if exact else self.symbols.heirs.get(shipment.cls, ()):
            table.setdefault(f"{owner.module}.{heir.name}", {}).setdefault(key, shipment)

    def _words(self, name: str, instance: Instance) -> str:
        cls = name.rpartition(".")[2]
        if instance.member:
            return f"{cls} travels with its method {instance.member}, which is passed to"
        return f"{cls} is passed to"

    def _made(self) -> Iterator[tuple[Facts, Instance, tuple[str, ...]]]:
        """The instances of the project's classes, results of functions that return such included.

        There are more of them than of anything else, so no list of them is kept.
        """
        returning = self._returning()
        known: dict[str, tuple[str, ...]] = {}
        having: dict[tuple[str, str], tuple[str, ...]] = {}
        for facts in self.files:
            for instance in facts.instances:
                symbol, member = instance.symbol, instance.member
                if self.symbols.foreign(symbol):
                    continue
                if symbol not in known:
                    known[symbol] = tuple(self._named(self.symbols.meaning(symbol).symbol, returning))
                classes = known[symbol]
                if member and classes:
                    if (symbol, member) not in having:
                        having[symbol, member] = tuple(name for name in classes if self._has_method(name, member))
                    classes = having[symbol, member]
                if classes:
                    yield facts, instance, classes

    def _named(self, symbol: str, returning: dict[str, dict[str, None]]) -> Iterable[str]:
        """The classes whose instances a call of a symbol gives that stands for itself."""
        found = self.symbols.class_of(symbol)
        return [f"{found[0].module}.{found[1].name}"] if found is not None else tuple(returning.get(symbol, ()))

    def _has_method(self, name: str, method: str) -> bool:
        for _, found in self.symbols.lineage(name):
            if found is not None and method in found[1].methods | {a for a, _ in found[1].attributes}:
                return method in found[1].methods - found[1].properties - found[1].instanceless
        return False

    def _returning(self) -> dict[str, dict[str, None]]:
        """The classes whose instances functions return, by function."""
        table: dict[str, dict[str, None]] = {}
        for _ in range(_STEPS):
            for symbol, function in self.spread.made.returned:
                for name in self._named(symbol, table):
                    table.setdefault(function, {})[name] = None
        return table


def _digest(key: tuple[object, ...]) -> bytes:
    """What stands for a key of texts, numbers and sinks: it takes a tenth of the room."""
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest()


def _alike(facts: Facts, sink: Sink) -> tuple[object, ...]:
    """What tells where the way behind a sink leads: of a call everything but its line.

    Of two objects of one class that go alike ways the first speaks for both. Large projects hand on the same few
    kinds of objects a hundred thousand times.
    """
    if isinstance(sink, ToCall):
        home = facts.path if sink.onward else None
        return sink.callee, sink.position, sink.keyword, sink.literals, sink.unpacked, sink.own, sink.onward, home
    return facts.path, sink
