"""What a callee stands for in all files: a boundary, a function of the project, or the making of an instance."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from fixpickle.link.symbols import Literals, Meaning, Symbols
from fixpickle.survey.catalogue import Boundary, Catalogue
from fixpickle.survey.facts import ToCall, changed

_TUPLES = frozenset({"collections.namedtuple()", "typing.NamedTuple()"})


class Callee(NamedTuple):
    """What a callee stands for, the class that is made by calling it, if one is, and the function that then runs.

    The function is empty where it hands nothing on. It is a `method` where its receiver is an instance of a project's
    class, which may be gone before what it is called with. What a `record` is made with is a part of it.
    """

    symbol: str
    made: str
    function: str
    method: bool
    record: bool = False


class Callees:
    """Tells by the symbolic name of what is called what becomes of what is handed to it."""

    def __init__(self, symbols: Symbols, catalogue: Catalogue) -> None:
        self.symbols, self.catalogue = symbols, catalogue
        self._boundaries: dict[tuple[str, int, str, Literals], Boundary | None] = {}
        self._meanings: dict[str, tuple[Meaning, ...]] = {}
        self._called: dict[str, Callee] = {}

    def callee(self, name: str) -> Callee:
        known = self._called.get(name)
        if known is None and self.symbols.foreign(name):
            symbol = name.removesuffix(".__init__").removesuffix("()")
            return Callee(symbol, "", "" if symbol in self.catalogue.silent else symbol, False, name in _TUPLES)
        if known is None:
            meant = self.symbols.meaning(name).symbol
            symbol = meant.removesuffix(".__init__").removesuffix("()")
            made = symbol if self.symbols.class_of(symbol) is not None else ""
            function = self.symbols.constructor(symbol) if made else symbol
            method = self.symbols.class_of(symbol.rpartition(".")[0]) is not None
            record = meant in _TUPLES or (function == made and self._is_record(symbol))
            known = Callee(symbol, made, "" if symbol in self.catalogue.silent else function, method, record)
            self._called[name] = known
        return known

    def _is_record(self, symbol: str) -> bool:
        """Whether a class or one of its bases is made of its fields."""
        return any(found is not None and found[1].record for _, found in self.symbols.lineage(symbol))

    def words(self, symbol: str) -> str:
        """What a reader calls a function: its name, a method's of the project with its class."""
        owner, _, last = symbol.rpartition(".")
        if last == "?":
            return f"what is looked up in {owner}"
        return f"{owner.rpartition('.')[2]}.{last}" if self.symbols.class_of(owner) is not None else last

    def boundary(self, sink: ToCall) -> Boundary | None:
        """The boundary that a value handed to this call crosses."""
        if not self.meant(sink.callee):
            return None
        key = sink.callee, sink.position, sink.keyword, sink.literals
        if key not in self._boundaries:
            self._boundaries[key] = self._boundary(sink)
        return self._boundaries[key]

    def _boundary(self, sink: ToCall) -> Boundary | None:
        found = (self._match(sink, meaning) for meaning in self.meant(sink.callee))
        return next((boundary for boundary in found if boundary is not None), None)

    def meant(self, callee: str) -> tuple[Meaning, ...]:
        """What a callee stands for that the catalogue knows. Of nearly all that is nothing, whatever they are given."""
        known = self._meanings.get(callee)
        if known is None:
            meaning = self.symbols.received(callee)
            base = self._foreign_base(meaning.symbol)
            every = (meaning, replace(meaning, symbol=base)) if base else (meaning,)
            known = tuple(m for m in every if callee and self.catalogue.crosses(m.symbol or callee))
            self._meanings[callee] = known
        return known

    def _match(self, sink: ToCall, meaning: Meaning) -> Boundary | None:
        first = dict(sink.literals).get("first")
        known = meaning.literals
        if first is not None and (stands_for := self.symbols.meaning(first).symbol) != first:
            known, sink = (*known, ("first", stands_for)), changed(
                sink, literals=tuple(pair for pair in sink.literals if pair[0] != "first")
            )
        return self.catalogue.match(sink, meaning.symbol, known)

    def _foreign_base(self, symbol: str) -> str:
        """The class of another package whose constructor a project's class is made by, where it has none itself."""
        if self.symbols.class_of(symbol) is None:
            return ""
        for name, found in self.symbols.lineage(symbol):
            if found is None:
                return name
            if "__init__" in found[1].methods or len(found[1].bases) != 1:
                return ""
        return ""

    def may_keep(self, callee: str) -> bool:
        """Whether what a call gives may carry its arguments, with no constructor of the project to tell."""
        known = self.callee(callee)
        if known.record:
            return True
        if known.made:
            return known.function == known.made  # what it is made with, only a base elsewhere or a decorator can take
        return self.catalogue.may_keep(known.function)

    def may_cross(self, sink: ToCall) -> bool:
        # What is unpacked goes to a place that depends on what was packed.
        return sink.unpacked or self.boundary(sink) is not None or (bool(sink.onward) and self.may_keep(sink.callee))

    def is_method(self, callee: str) -> bool:
        """Whether a symbol is a method of an object that is no receiver of the catalogue."""
        symbol = self.symbols.meaning(callee).symbol
        own = self.symbols.class_of(symbol.rpartition(".")[0]) is not None
        return (own or "()." in symbol) and not self.catalogue.receiver_by_decorator(symbol)
