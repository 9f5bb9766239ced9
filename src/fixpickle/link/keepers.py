"""Which classes keep what a call gives: the result of a function or method, or an instance of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from fixpickle.link.symbols import Symbols
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import Facts, ToAttribute

Keeping = tuple[Facts, ToAttribute]
"""The attribute in which instances of a class keep something, after the file of the class."""


class Keepers:
    """Attributes of the project's classes, by the symbolic name of what is called to make them."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols, carries: Callable[[Facts, str, str], bool]) -> None:
        self.files, self.symbols, self.carries = files, symbols, carries

    @cached_property
    def _held(self) -> dict[str, list[Keeping]]:
        table: dict[str, list[Keeping]] = {}
        for facts in self.files:
            for found in facts.classes:
                for attribute, value in found.attributes:
                    if value.endswith("()"):
                        made = self.symbols.meaning(value.removesuffix("()")).symbol
                        table.setdefault(made, []).append((facts, ToAttribute(found.name, attribute, found.line)))
        return table

    def holding(self, symbol: str) -> Sequence[Keeping]:
        """The attributes that hold what a call of `symbol` gives, carried along or not."""
        return self._held.get(symbol, ())

    def of(self, symbol: str) -> Iterator[Keeping]:
        """The attributes in which instances keep what a call of `symbol` gives, and carry it along."""
        return (kept for kept in self.holding(symbol) if self._carried(*kept))

    def of_method(self, facts: Facts, cls: str, method: str) -> Iterator[Keeping]:
        """The same for a method, called on `self` by its class, an ancestor of it or a class that inherits from it."""
        wanted = f"{facts.module}.{cls}"
        for symbol in self._held:
            owner, _, name = symbol.rpartition(".")
            if name == method and (self.symbols.descends(owner, wanted) or self.symbols.descends(wanted, owner)):
                yield from self.of(symbol)

    def of_instances(self, facts: Facts, cls: str) -> Iterator[Keeping]:
        """The same for instances of a class of `facts` and of those that inherit from it."""
        for symbol in self._heirs(f"{facts.module}.{cls}"):
            yield from self.of(symbol)

    def keep_some(self, facts: Facts, cls: str) -> bool:
        """Whether instances of other classes, none of them a primitive itself, keep instances of the class."""
        kept = [one for symbol in self._heirs(f"{facts.module}.{cls}") for one in self.holding(symbol)]
        # Asked of primitives, too, whether they carry it along, two that keep each other would ask in circles.
        return any(not self._primitive(f"{owner.module}.{at.cls}") and self._carried(owner, at) for owner, at in kept)

    def _carried(self, owner: Facts, at: ToAttribute) -> bool:
        return self.carries(owner, at.cls, at.attribute)

    def _heirs(self, wanted: str) -> Iterator[str]:
        """The kept classes that are the class of that symbolic name or inherit from it."""
        for symbol in self._held:
            if self.symbols.class_of(symbol) is not None and self.symbols.descends(symbol, wanted):
                yield symbol

    def _primitive(self, symbol: str) -> bool:
        return any(one in PRIMITIVES for one, _ in self.symbols.lineage(symbol))
