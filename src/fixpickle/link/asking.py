"""What is asked of functions that objects keep: a partial in their place has no `__name__` to give."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from fixpickle.link.spread import Spread
from fixpickle.link.tables import gathered
from fixpickle.survey.facts import AskedKept, Facts, Sink, ToAttribute


class Asking:
    """Tells who reads more of a kept function than what a call of it gives."""

    def __init__(self, files: Iterable[Facts], spread: Spread) -> None:
        self.files, self.spread = files, spread

    def of_kept(self, facts: Facts, sinks: Iterable[Sink]) -> tuple[str, bool] | None:
        """Where the name of what these sinks keep is read, as a module and a line, and whether more than that is."""
        found: tuple[str, bool] | None = None
        for way in self.spread.ways(facts, sinks) if self._asked else ():
            if isinstance(way.sink, ToAttribute):
                made = way.made or f"{way.owner.module}.{way.sink.cls}"
                for reader, asked in self._asked.get(way.sink.attribute, ()):
                    if not asked.cls or self._related(made, f"{reader.module}.{asked.cls}"):
                        found = f"{reader.module}, line {asked.line}", asked.more
                        if asked.more:
                            return found
        return found

    def _related(self, one: str, other: str) -> bool:
        """Whether an instance of the one class may be one of the other."""
        symbols = self.spread.symbols
        return symbols.descends(one, other) or symbols.descends(other, one)

    @cached_property
    def _asked(self) -> dict[str, list[tuple[Facts, AskedKept]]]:
        return gathered((asked.attribute, (f, asked)) for f in self.files for asked in f.asked.kept)
