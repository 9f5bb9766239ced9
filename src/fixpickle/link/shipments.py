"""Which of the project's classes have instances that cross a boundary, and on which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from fixpickle.link.spread import Spread, place
from fixpickle.link.symbols import Symbols
from fixpickle.survey.catalogue import Boundary
from fixpickle.survey.facts import Facts, Instance, ToAttribute, ToCall, ToReturn

_STEPS = 4  # objects that hold objects, and functions that return what functions return


@dataclass(frozen=True, slots=True)
class Shipment:
    """An object that crosses a boundary at a line of `owner`; `words` say which, and what holds it on its way."""

    boundary: Boundary
    words: str
    owner: Facts
    line: int

    def step(self, home: Facts) -> str:
        """The step that a reader of `home` can follow."""
        return f"{self.words} {self.boundary.name} {place(home, self.owner, self.line)}"


class Shipments:
    """Reads what becomes of instances, from every file."""

    def __init__(
        self, files: Sequence[Facts], symbols: Symbols, spread: Spread, hides: Callable[[Facts, str], object]
    ) -> None:
        """`hides` says whether the instances of a class of a file decide themselves what of them is pickled."""
        self.files, self.symbols, self.spread, self.hides = files, symbols, spread, hides

    def of(self, symbol: str) -> tuple[Shipment, ...]:
        """The ways on which instances of a class of the project cross, or of a class that has it as a base."""
        return tuple(self._found.get(symbol, {}).values())

    @cached_property
    def _found(self) -> dict[str, dict[Boundary, Shipment]]:
        """By class, at most one shipment for each boundary."""
        table: dict[str, dict[Boundary, Shipment]] = {}
        held: list[tuple[str, str, ToAttribute]] = []
        for facts, instance, classes in self._made:
            for way in self.spread.ways(facts, instance.sinks):
                if isinstance(way.sink, ToAttribute):
                    holder = f"{way.owner.module}.{way.sink.cls}"
                    if way.lasting and not self.hides(way.owner, way.sink.cls):
                        held += [(name, holder, way.sink) for name in classes]
                elif isinstance(way.sink, ToCall) and (boundary := self.spread.boundary(way.sink)) is not None:
                    for name in classes:
                        words = self._words(name, instance)
                        self._ship(table, name, Shipment(boundary, words, way.owner, way.sink.line), instance.exact)
        for _ in range(_STEPS):
            for name, holder, sink in held:
                for shipment in tuple(table.get(holder, {}).values()):
                    cls = name.rpartition(".")[2]
                    words = f"{cls} is kept in self.{sink.attribute} of {sink.cls}, and {shipment.words}"
                    self._ship(table, name, Shipment(shipment.boundary, words, shipment.owner, shipment.line), True)
        return table

    def _ship(self, table: dict[str, dict[Boundary, Shipment]], name: str, shipment: Shipment, exact: bool) -> None:
        for symbol, found in self.symbols.lineage(name):
            if found is not None:
                table.setdefault(symbol, {}).setdefault(shipment.boundary, shipment)
        for heir in () if exact else self._heirs.get(name, ()):
            table.setdefault(heir, {}).setdefault(shipment.boundary, shipment)

    def _words(self, name: str, instance: Instance) -> str:
        cls = name.rpartition(".")[2]
        if instance.member:
            return f"{cls} travels with its method {instance.member}, which is passed to"
        return f"{cls} is passed to"

    @cached_property
    def _heirs(self) -> dict[str, list[str]]:
        """The classes below each class of the project."""
        table: dict[str, list[str]] = {}
        for facts in self.files:
            for cls in facts.classes:
                own = f"{facts.module}.{cls.name}"
                for symbol, _ in self.symbols.lineage(own):
                    if symbol != own:
                        table.setdefault(symbol, []).append(own)
        return table

    @cached_property
    def _made(self) -> list[tuple[Facts, Instance, tuple[str, ...]]]:
        """The instances of the project's classes, results of functions that return such included."""
        rows = [(facts, instance) for facts in self.files for instance in facts.instances]
        returning = self._returning(rows)
        found: list[tuple[Facts, Instance, tuple[str, ...]]] = []
        for facts, instance in rows:
            classes = tuple(self._classes_of(instance, returning))
            if classes:
                found.append((facts, instance, classes))
        return found

    def _classes_of(self, instance: Instance, returning: dict[str, dict[str, None]]) -> Iterator[str]:
        symbol = self.symbols.meaning(instance.symbol).symbol
        found = self.symbols.class_of(symbol)
        own = [f"{found[0].module}.{found[1].name}"] if found is not None else returning.get(symbol, ())
        for name in own:
            if not instance.member or self._has_method(name, instance.member):
                yield name

    def _has_method(self, name: str, method: str) -> bool:
        for _, found in self.symbols.lineage(name):
            if found is not None and method in found[1].methods | {a for a, _ in found[1].attributes}:
                return method in found[1].methods - found[1].properties
        return False

    def _returning(self, rows: Sequence[tuple[Facts, Instance]]) -> dict[str, dict[str, None]]:
        """The classes whose instances functions return, by function."""
        table: dict[str, dict[str, None]] = {}
        giving = [(f, i, s) for f, i in rows for s in i.sinks if isinstance(s, ToReturn) and not i.member]
        for _ in range(_STEPS):
            for facts, instance, sink in giving:
                for name in self._classes_of(instance, table):
                    table.setdefault(f"{facts.module}.{sink.function}", {})[name] = None
        return table
