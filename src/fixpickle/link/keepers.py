"""Which classes keep what a call gives: the result of a function or method, or an instance of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from fixpickle.link.symbols import Symbols
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import Facts

Kept = tuple[Facts, str, str]
"""The file, the class and the attribute in which its instances keep something."""


class Keepers:
    """Attributes of the project's classes, by the symbolic name of what is called to make them."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols, carries: Callable[[Facts, str, str], bool]) -> None:
        self.files, self.symbols, self.carries = files, symbols, carries

    @cached_property
    def _table(self) -> dict[str, list[Kept]]:
        table: dict[str, list[Kept]] = {}
        for facts in self.files:
            for found in facts.classes:
                for attribute, value in found.attributes:
                    if value.endswith("()"):
                        made = self.symbols.meaning(value.removesuffix("()")).symbol
                        table.setdefault(made, []).append((facts, found.name, attribute))
        return table

    def of(self, symbol: str) -> Iterator[Kept]:
        """The attributes in which instances keep what a call of `symbol` gives, and carry it along."""
        return (kept for kept in self._table.get(symbol, ()) if self.carries(*kept))

    def of_method(self, facts: Facts, cls: str, method: str) -> Iterator[Kept]:
        """The same for a method, called on `self` by its class, an ancestor of it or a class that inherits from it."""
        wanted = f"{facts.module}.{cls}"
        for symbol in self._table:
            owner, _, name = symbol.rpartition(".")
            if name == method and (self._descends(owner, wanted) or self._descends(wanted, owner)):
                yield from self.of(symbol)

    def of_instances(self, facts: Facts, cls: str) -> Iterator[Kept]:
        """The same for instances of a class of `facts` and of those that inherit from it."""
        for symbol in self._heirs(f"{facts.module}.{cls}"):
            yield from self.of(symbol)

    def keep_some(self, facts: Facts, cls: str) -> bool:
        """Whether instances of other classes, none of them a primitive itself, keep instances of the class."""
        kept = [k for symbol in self._heirs(f"{facts.module}.{cls}") for k in self._table[symbol]]
        return any(
            not self._primitive(f"{owner.module}.{name}") and self.carries(owner, name, a) for owner, name, a in kept
        )

    def _heirs(self, wanted: str) -> Iterator[str]:
        """The kept classes that are the class of that symbolic name or inherit from it."""
        for symbol in self._table:
            if self.symbols.class_of(symbol) is not None and self._descends(symbol, wanted):
                yield symbol

    def _descends(self, symbol: str, ancestor: str) -> bool:
        return any(one == ancestor for one, _ in self.symbols.lineage(symbol))

    def _primitive(self, symbol: str) -> bool:
        return any(one in PRIMITIVES for one, _ in self.symbols.lineage(symbol))
