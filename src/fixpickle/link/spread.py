"""Where values go from file to file: through the project's functions, and the attributes of its objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from fixpickle.link.callees import Callee, Callees
from fixpickle.link.made import Made, given, made
from fixpickle.link.places import place, stored
from fixpickle.link.symbols import Symbols
from fixpickle.link.taking import Taking
from fixpickle.survey.catalogue import Boundary, Catalogue
from fixpickle.survey.facts import (
    Facts,
    Instance,
    ParameterFlow,
    Sink,
    ToAttribute,
    ToCall,
    ToGlobal,
    ToParameter,
    ToReturn,
    changed,
)

_STEPS = 6  # functions that pass a parameter on to functions


@dataclass(frozen=True, slots=True)
class Crossing:
    """A boundary that a value reaches, and the steps that lead there."""

    boundary: Boundary
    chain: tuple[str, ...]


class Way(NamedTuple):
    """One place a value gets to: the sink, the file it stands in, and the way `before` this one, of `steps` steps.

    `made` is the class that was called, where the way leads through its constructor; such an object is `lasting`
    where it outlives the function that makes it. The way is `certain` where every object of another library that it
    leads through is known to keep what it is given. A tuple, because a large project has a million of them and they
    are made in a third of the time; what its steps are called is asked of few, by :meth:`Spread.chain`.
    """

    owner: Facts
    sink: Sink
    before: Way | None = None
    steps: int = 0
    made: str = ""
    lasting: bool = True
    certain: bool = True
    given: bool = False

    def on(self, owner: Facts, sink: Sink) -> Way:
        """The way from here on to a sink of a file."""
        return Way(owner, sink, self, self.steps + 1, self.made, self.lasting, self.certain, self.given)


class Spread:
    """Follows values over files."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols, catalogue: Catalogue) -> None:
        self.files, self.symbols, self.catalogue = files, symbols, catalogue
        self.callees = Callees(symbols, catalogue)
        self.taking = Taking(files, self.callees)
        self._storing: dict[tuple[str, ToCall], bool] = {}
        self._results: dict[str, list[tuple[Facts, Instance]]] = {}
        self._given: dict[str, tuple[tuple[Facts, Sink], ...]] = {}

    # --- boundaries ---

    def crossings(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Crossing]:
        """Every boundary that a value with these sinks reaches, through functions of the project too."""
        for way in self.ways(facts, sinks):
            if isinstance(way.sink, ToCall) and (boundary := self.callees.boundary(way.sink)) is not None:
                step = f"passed to {boundary.name} {place(facts, way.owner, way.sink.line)}"
                yield Crossing(boundary, (*self.chain(facts, way), step))
            elif isinstance(way.sink, ToReturn) and (boundary := self._of_result(way.owner, way.sink)) is not None:
                step = f"returned by {way.sink.function} {place(facts, way.owner, way.sink.line)}"
                yield Crossing(boundary, (*self.chain(facts, way), step))

    def _of_result(self, facts: Facts, sink: ToReturn) -> Boundary | None:
        """The boundary that the result of a method crosses, which a base class of another package asks for."""
        cls, _, method = sink.function.rpartition(".")
        lineage = self.symbols.lineage(f"{facts.module}.{cls}") if cls else ()
        found = (self.catalogue.match_result(f"{symbol}.{method}") for symbol, _ in lineage)
        return next((boundary for boundary in found if boundary is not None), None)

    def objects(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Way]:
        """The sinks, and those of the objects of other libraries that carry the value, one in another."""
        pending = [Way(facts, sink) for sink in sinks]
        for way in pending:
            yield way
            pending += self._kept_inside(way)

    def _kept_inside(self, way: Way) -> Iterator[Way]:
        sink = way.sink
        if (
            isinstance(sink, ToCall)
            and sink.onward
            and self.callees.boundary(sink) is None
            and self.callees.may_keep(sink.callee)
        ):
            callee = self.callees.callee(sink.callee)
            certain = way.certain and (callee.record or (not callee.made and self.catalogue.keeps(callee.symbol)))
            yield from (way.on(way.owner, s)._replace(certain=certain) for s in sink.onward)

    # --- the way ---

    def ways(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Way]:
        """Every place that a value with these sinks gets to, nearest first, each parameter and attribute once."""
        seen: set[tuple[str, ...]] = set()
        pending = [Way(facts, sink) for sink in sinks]
        for way in pending:
            yield way
            if way.steps < _STEPS:
                pending += self._onward(way, seen)

    def chain(self, home: Facts, way: Way) -> tuple[str, ...]:
        """The steps of a way, as a reader of `home` can follow them."""
        steps: list[str] = []
        while way.before is not None:
            way = way.before
            steps.append(self._step(home, way.owner, way.sink))
        return tuple(reversed(steps))

    def _step(self, home: Facts, owner: Facts, sink: Sink) -> str:
        if isinstance(sink, ToParameter):
            return f"default of {sink.parameter} in {sink.function}"
        if isinstance(sink, ToAttribute):
            return stored(home, owner, sink)
        assert isinstance(sink, ToCall)  # from where else no way goes on
        return (
            f"passed to {self.callees.words(self.callees.callee(sink.callee).symbol)} {place(home, owner, sink.line)}"
        )

    def _onward(self, way: Way, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        sink = way.sink
        if isinstance(sink, ToCall):
            if self.callees.boundary(sink) is None:
                yield from self._kept_inside(way)
                yield from self._into_function(way, sink, seen)
        elif isinstance(sink, ToParameter):
            for owner, flow in self.taking.parameters(f"{way.owner.module}.{sink.function}"):
                key = (owner.module, flow.function, flow.parameter)
                if flow.parameter == sink.parameter and key not in seen:
                    seen.add(key)
                    yield from (way.on(owner, s) for s in flow.sinks)
        elif isinstance(sink, ToAttribute):
            yield from self._read_again(way, sink, seen)

    def _read_again(self, way: Way, sink: ToAttribute, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        """Where the methods of the object hand on what is stored on it."""
        for symbol, _ in self.symbols.lineage(way.made or f"{way.owner.module}.{sink.cls}"):
            for owner, flow in self.taking.attributes(symbol, sink.attribute):
                if (key := (symbol, f"self.{sink.attribute}")) not in seen:
                    seen.add(key)
                    yield from (Way(owner, s, way, way.steps + 1, certain=way.certain) for s in flow.sinks)

    def _into_function(self, way: Way, sink: ToCall, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        callee = self.callees.callee(sink.callee)
        if callee.function not in self.taking.arriving:
            return  # all its ways were cut short
        for owner, flow in self.taking.taking(callee.function, sink):
            key = (owner.module, flow.function, flow.parameter, str(sink.position if flow.star else ""), sink.keyword)
            if key in seen:
                continue
            seen.add(key)
            lasting, given = self._ends(way, sink, callee)
            for inner in flow.sinks:
                on = _handed_through(flow, sink, inner)
                if on is not None and self._agrees(way.owner, sink, callee, on):
                    yield Way(owner, on, way, way.steps + 1, way.made or callee.made, lasting, way.certain, given)

    def _ends(self, way: Way, sink: ToCall, callee: Callee) -> tuple[bool, bool]:
        """Whether what the called function stores lasts; and if not, whether what it makes and gives back does."""
        lasting = way.lasting and self._lasting(way.owner, sink, callee)
        other = way.lasting and bool(callee.method) and not sink.own and not callee.made
        given = not lasting and (way.given or other) and self._escapes(way.owner, sink)
        return (given, False) if callee.made and given else (lasting, given)

    def _agrees(self, facts: Facts, call: ToCall, callee: Callee, inner: Sink) -> bool:
        """Whether the pool that a function hands a value to may be what this call of the function gives it."""
        return not isinstance(inner, ToCall) or self.symbols.agrees(inner.callee, callee.function, facts, call.line)

    def _lasting(self, facts: Facts, sink: ToCall, callee: Callee) -> bool:
        """Whether what the called function stores on its object outlives the function that calls it."""
        if sink.callee.endswith(".__init__"):
            return True  # on the way into a base, which makes the same object
        if callee.made:
            return self._escapes(facts, sink)
        # A method of `self` stores where `self.x = ...` would; how long another receiver lasts is not known.
        return sink.own or not callee.method

    def _escapes(self, facts: Facts, sink: ToCall) -> bool:
        """Whether the result of a call outlives the function that makes it: it is stored, returned, or crosses."""
        for onward in sink.onward:
            if isinstance(onward, (ToAttribute, ToGlobal)) or (
                isinstance(onward, ToReturn) and self.may_be_kept(facts, onward, methods=True)
            ):
                return True
            if isinstance(onward, ToCall) and (
                self.callees.boundary(onward) is not None or self._stores(facts, onward)
            ):
                return True
            # An object of another library that is made to keep it takes it along: `Subset(Rows(f), indices)`.
            keeper = self.callees.callee(onward.callee).symbol if isinstance(onward, ToCall) else ""
            if isinstance(onward, ToCall) and self.catalogue.keeps(keeper) and self._escapes(facts, onward):
                return True
        return False

    def _stores(self, facts: Facts, sink: ToCall) -> bool:
        """Whether a function of the project stores what it is handed: `self.add(Part(f))`, where `add` keeps parts."""
        key = facts.module, sink
        if key not in self._storing:
            self._storing[key] = False  # ends circles of functions that hand on what they make
            stored = (way for way in self.ways(facts, [sink]) if isinstance(way.sink, (ToAttribute, ToGlobal)))
            self._storing[key] = any(way.lasting and way.certain for way in stored)
        return self._storing[key]

    def may_be_kept(self, facts: Facts, sink: ToReturn, methods: bool = False) -> bool:
        """Whether what a function returns may be kept: the function is public, or its result is passed on in its file.

        Not where it decorates or makes a function that the module has a name for, which may be asked for its
        `__name__`; not from inner functions, and not where an object has it called: `@library.tag`. The callable that a
        method returns serves its own callers, so methods count only where they return an object.
        """
        name = sink.function
        gives = self._gives_objects(facts, name) if methods else self.gives_values(facts, name)
        if "<locals>" in name or not gives or self._registered(facts, name):
            return False
        if "." in name:
            return methods
        public = not name.startswith("_") if facts.exports is None else name in facts.exports
        results = next((m.results for m in facts.mentions if m.name == name), ())
        return public or any(isinstance(s, (ToAttribute, ToReturn)) for s in results)

    def _registered(self, facts: Facts, function: str) -> bool:
        """Whether a decorator that is an object's method takes the function: it is called by that, not by its name."""
        mention = next((m for m in facts.mentions if m.name == function), None)
        given = [s for s in mention.sinks if isinstance(s, ToCall) and s.position == 0] if mention is not None else []
        return any(mention is not None and s.line <= mention.line and self.callees.is_method(s.callee) for s in given)

    def gives_values(self, facts: Facts, function: str) -> bool:
        """Whether a function gives its callers values, and neither decorates nor makes what a module has a name for."""
        symbol = self.symbols.meaning(f"{facts.module}.{function}").symbol
        return symbol not in self._named_results and self._gives_objects(facts, function)

    def _gives_objects(self, facts: Facts, function: str) -> bool:
        """The same of a function that gives objects, which keep what they are made with under any name."""
        return self.symbols.meaning(f"{facts.module}.{function}").symbol not in self.decorators

    def results(self, facts: Facts, function: str) -> Sequence[tuple[Facts, Instance]]:
        """Where files of the project call a function of `facts` by its name, and where what it gives goes then."""
        symbol = f"{facts.module}.{function}"
        if symbol not in self._results:
            self._results[symbol] = [
                (owner, changed(instance, sinks=sinks))
                for owner in self.made.callers.get(symbol, ())
                for instance in owner.instances
                if instance.exact and not instance.member
                if self.symbols.meaning(instance.symbol).symbol == symbol
                and (sinks := self.taking.lean(instance.sinks))
            ]
        return self._results[symbol]

    def given(self, cls: str) -> Sequence[tuple[Facts, Sink]]:
        """Where instances of a class of the project go, by its symbolic name."""
        if cls not in self._given:
            makers = self.made.makers.get(cls, ())
            self._given[cls] = tuple(given(cls, makers, self.symbols, self.taking.lean))
        return self._given[cls]

    @cached_property
    def made(self) -> Made:
        """What is made and goes somewhere, gone through once: nothing else of the facts takes as much room."""
        return made(self.files, self.symbols, self.taking.lean)

    @cached_property
    def decorators(self) -> frozenset[str]:
        """Symbolic names that are used as decorators, or called in a class body, anywhere in the project."""
        return frozenset(self.symbols.meaning(d).symbol for f in self.files for d in f.decorators if d)

    @cached_property
    def _named_results(self) -> frozenset[str]:
        """Symbolic names of functions whose results are bound to module-level names somewhere in the project."""
        return frozenset(self.symbols.meaning(c.callee).symbol for f in self.files for c in f.bound_calls if c.callee)


def _handed_through(flow: ParameterFlow, given: ToCall, inner: Sink) -> Sink | None:
    """Where an argument goes that `*args` or `**kwargs` took, and handed on in the same order or under the same name.

    None where the collection is handed on itself: what crosses then is the whole of it, or nothing that is known.
    """
    if not flow.star or not isinstance(inner, ToCall) or not inner.unpacked:
        return inner
    if flow.star == "*" and inner.position >= 0:
        return changed(inner, position=inner.position + given.position - flow.position, unpacked=given.unpacked)
    if flow.star == "**" and inner.position < 0:
        return changed(inner, keyword=given.keyword, unpacked=given.unpacked)
    return None
