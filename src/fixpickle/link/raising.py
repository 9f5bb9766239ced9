"""The exceptions of a project, and where it raises them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from sys import intern

from fixpickle.link.symbols import Symbols
from fixpickle.survey.facts import Facts
from fixpickle.survey.initialisers import ExceptionFacts, Raised


class Exceptions(Mapping[str, tuple[Facts, ExceptionFacts]]):
    """The classes of the project that may be exceptions of a kind of their own, by symbolic name, each after its file.

    Only the names are at hand; what there is to say of a class is its file's.
    """

    def __init__(self, files: Sequence[Facts]) -> None:
        self._homes = {intern(f"{facts.module}.{one.name}"): facts for facts in files for one in facts.exceptions}

    def __getitem__(self, symbol: str) -> tuple[Facts, ExceptionFacts]:
        facts = self._homes[symbol]
        found = (one for one in reversed(facts.exceptions) if f"{facts.module}.{one.name}" == symbol)
        return facts, next(found)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


class Raising:
    """Reads what is raised, from every file."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols) -> None:
        self.files, self.symbols = files, symbols

    @cached_property
    def exceptions(self) -> Exceptions:
        return Exceptions(self.files)

    @cached_property
    def raised(self) -> dict[str, list[tuple[Facts, Raised]]]:
        """Where classes of the project are raised, by symbolic name."""
        table: dict[str, list[tuple[Facts, Raised]]] = {}
        for facts in self.files:
            for each in facts.raised:
                if not self.symbols.foreign(symbol := self.symbols.meaning(each.symbol).symbol):
                    table.setdefault(symbol, []).append((facts, each))
        return table
