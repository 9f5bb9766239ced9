"""Where values go from file to file: through the project's functions, and the attributes of its objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from sys import intern
from typing import NamedTuple, TypeVar

from fixpickle.link.made import Made, made
from fixpickle.link.symbols import Literals, Meaning, Symbols
from fixpickle.survey.catalogue import Boundary, Catalogue
from fixpickle.survey.facts import (
    AttributeFlow,
    Facts,
    Instance,
    ParameterFlow,
    Sink,
    ToAttribute,
    ToCall,
    ToGlobal,
    ToParameter,
    ToReturn,
)

Flow = TypeVar("Flow", ParameterFlow, AttributeFlow)
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

    def on(self, owner: Facts, sink: Sink) -> Way:
        """The way from here on to a sink of a file."""
        return Way(owner, sink, self, self.steps + 1, self.made, self.lasting, self.certain)


class _Callee(NamedTuple):
    """What a callee stands for, the class that is made by calling it, if one is, and the function that then runs.

    The function is empty where it hands nothing on. It is a `method` where its receiver is an instance of a project's
    class, which may be gone before what it is called with.
    """

    symbol: str
    made: str
    function: str
    method: bool


class Spread:
    """Follows values over files."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols, catalogue: Catalogue) -> None:
        self.files, self.symbols, self.catalogue = files, symbols, catalogue
        self._boundaries: dict[tuple[str, int, str, Literals], Boundary | None] = {}
        self._storing: dict[tuple[str, ToCall], bool] = {}
        self._meanings: dict[str, tuple[Meaning, ...]] = {}
        self._called: dict[str, _Callee] = {}
        self._flows: dict[str, list[tuple[Facts, ParameterFlow]]] = {}  # few of all there are are asked for
        self._read: dict[tuple[str, str], list[tuple[Facts, AttributeFlow]]] = {}
        self._results: dict[str, list[tuple[Facts, Instance]]] = {}

    def _parameters(self, function: str) -> Sequence[tuple[Facts, ParameterFlow]]:
        """Where the parameters of a function go that keeps one, or hands one on until it crosses."""
        if function not in self._flows:
            self._flows[function] = [
                (facts, self._short(flow))
                for facts in self._arriving.get(function, ())
                for flow in facts.parameters
                if f"{facts.module}.{flow.function}" == function
            ]
        return self._flows[function]

    def _short(self, flow: Flow) -> Flow:
        sinks = self.lean(flow.sinks)
        return flow if sinks is flow.sinks else replace(flow, sinks=sinks)

    def lean(self, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
        """What is leading, and of that no literals where none are asked for."""
        kept = self.leading(sinks)
        if not any(isinstance(s, ToCall) and s.literals for s in kept):
            return kept
        return tuple(
            replace(s, literals=()) if isinstance(s, ToCall) and s.literals and not self._meant(s.callee) else s
            for s in kept
        )

    def leading(self, sinks: tuple[Sink, ...]) -> tuple[Sink, ...]:
        """Without the calls at which every way ends that keeps nothing and crosses nothing: most ways do."""
        kept = tuple(s for s in sinks if not isinstance(s, ToCall) or self._arrives(s))
        return sinks if len(kept) == len(sinks) else kept

    def _arrives(self, sink: ToCall) -> bool:
        """Whether what is handed to a call may be kept or cross somewhere behind it, over however many steps."""
        return self._may_cross(sink) or self._callee(sink.callee).function in self._arriving

    def _may_cross(self, sink: ToCall) -> bool:
        # What is unpacked goes to a place that depends on what was packed.
        return sink.unpacked or self.boundary(sink) is not None or (bool(sink.onward) and self.may_keep(sink.callee))

    @cached_property
    def _arriving(self) -> dict[str, list[Facts]]:
        """The functions in which a parameter may be kept, or handed on until it is or crosses, and their files."""
        homes: dict[str, list[Facts]] = {}
        callers: dict[str, list[str]] = {}
        pending: list[str] = []
        for facts in self.files:
            for flow in facts.parameters:
                name = intern(f"{facts.module}.{flow.function}")
                _noted(homes, name, facts)
                for sink in flow.sinks:
                    if not isinstance(sink, ToCall) or self._may_cross(sink):
                        pending.append(name)
                    else:
                        callers.setdefault(self._callee(sink.callee).function, []).append(name)
        found: dict[str, list[Facts]] = {}
        for name in pending:
            if name not in found:
                found[name] = homes[name]
                pending += callers.get(name, ())
        return found

    def _attributes(self, cls: str, attribute: str) -> Sequence[tuple[Facts, AttributeFlow]]:
        """Where the methods of a class hand on what its instances keep in an attribute."""
        if (cls, attribute) not in self._read:
            self._read[cls, attribute] = [
                (facts, self._short(flow))
                for facts in self._reading.get(cls, ())
                for flow in facts.attribute_flows
                if flow.attribute == attribute and f"{facts.module}.{flow.cls}" == cls
            ]
        return self._read[cls, attribute]

    @cached_property
    def _reading(self) -> dict[str, list[Facts]]:
        """The classes whose methods hand on what instances keep, and their files."""
        table: dict[str, list[Facts]] = {}
        for facts in self.files:
            for flow in facts.attribute_flows:
                _noted(table, f"{facts.module}.{flow.cls}", facts)
        return table

    # --- boundaries ---

    def crossings(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Crossing]:
        """Every boundary that a value with these sinks reaches, through functions of the project too."""
        for way in self.ways(facts, sinks):
            if isinstance(way.sink, ToCall) and (boundary := self.boundary(way.sink)) is not None:
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

    def boundary(self, sink: ToCall) -> Boundary | None:
        """The boundary that a value handed to this call crosses."""
        if not self._meant(sink.callee):
            return None
        key = sink.callee, sink.position, sink.keyword, sink.literals
        if key not in self._boundaries:
            self._boundaries[key] = self._boundary(sink)
        return self._boundaries[key]

    def _boundary(self, sink: ToCall) -> Boundary | None:
        found = (self._match(sink, meaning) for meaning in self._meant(sink.callee))
        return next((boundary for boundary in found if boundary is not None), None)

    def _meant(self, callee: str) -> tuple[Meaning, ...]:
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
            known, sink = (*known, ("first", stands_for)), replace(
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
        known = self._callee(callee)
        if known.made:
            return known.function == known.made  # what it is made with, only a base elsewhere or a decorator can take
        return self.catalogue.may_keep(known.function)

    def objects(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Way]:
        """The sinks, and those of the objects of other libraries that carry the value, one in another."""
        pending = [Way(facts, sink) for sink in sinks]
        for way in pending:
            yield way
            pending += self._kept_inside(way)

    def _kept_inside(self, way: Way) -> Iterator[Way]:
        sink = way.sink
        if isinstance(sink, ToCall) and sink.onward and self.boundary(sink) is None and self.may_keep(sink.callee):
            callee = self._callee(sink.callee)
            certain = way.certain and not callee.made and self.catalogue.keeps(callee.symbol)
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
        return f"passed to {self._words(self._callee(sink.callee).symbol)} {place(home, owner, sink.line)}"

    def _onward(self, way: Way, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        sink = way.sink
        if isinstance(sink, ToCall):
            if self.boundary(sink) is None:
                yield from self._kept_inside(way)
                yield from self._into_function(way, sink, seen)
        elif isinstance(sink, ToParameter):
            for owner, flow in self._parameters(f"{way.owner.module}.{sink.function}"):
                key = (owner.module, flow.function, flow.parameter)
                if flow.parameter == sink.parameter and key not in seen:
                    seen.add(key)
                    yield from (way.on(owner, s) for s in flow.sinks)
        elif isinstance(sink, ToAttribute):
            yield from self._read_again(way, sink, seen)

    def _read_again(self, way: Way, sink: ToAttribute, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        """Where the methods of the object hand on what is stored on it."""
        for symbol, _ in self.symbols.lineage(way.made or f"{way.owner.module}.{sink.cls}"):
            for owner, flow in self._attributes(symbol, sink.attribute):
                if (key := (symbol, f"self.{sink.attribute}")) not in seen:
                    seen.add(key)
                    yield from (Way(owner, s, way, way.steps + 1, certain=way.certain) for s in flow.sinks)

    def _into_function(self, way: Way, sink: ToCall, seen: set[tuple[str, ...]]) -> Iterator[Way]:
        callee = self._callee(sink.callee)
        if callee.function not in self._arriving:
            return  # all its ways were cut short
        for owner, flow in self._taking(callee.function, sink):
            key = (owner.module, flow.function, flow.parameter, str(sink.position if flow.star else ""), sink.keyword)
            if key in seen:
                continue
            seen.add(key)
            lasting = way.lasting and self._lasting(way.owner, sink, callee)
            for inner in flow.sinks:
                on = _handed_through(flow, sink, inner)
                if on is not None and self._agrees(way.owner, sink, callee, on):
                    yield Way(owner, on, way, way.steps + 1, way.made or callee.made, lasting, way.certain)

    def _agrees(self, facts: Facts, call: ToCall, callee: _Callee, inner: Sink) -> bool:
        """Whether the pool that a function hands a value to may be what this call of the function gives it."""
        if not isinstance(inner, ToCall) or "[" not in inner.callee:
            return True
        return self.symbols.agrees(inner.callee, callee.function, facts, call.line)

    def _callee(self, name: str) -> _Callee:
        known = self._called.get(name)
        if known is None:
            symbol = self.symbols.meaning(name).symbol.removesuffix(".__init__").removesuffix("()")
            made = symbol if self.symbols.class_of(symbol) is not None else ""
            function = self._constructor(symbol) if made else symbol
            method = self.symbols.class_of(symbol.rpartition(".")[0]) is not None
            known = _Callee(symbol, made, "" if symbol in self.catalogue.silent else function, method)
            self._called[name] = known
        return known

    def _words(self, symbol: str) -> str:
        """What a reader calls a function: its name, a method's of the project with its class."""
        owner, _, last = symbol.rpartition(".")
        if last == "?":
            return f"what is looked up in {owner}"
        return f"{owner.rpartition('.')[2]}.{last}" if self.symbols.class_of(owner) is not None else last

    def _constructor(self, symbol: str) -> str:
        """The `__init__` that making an instance of a project's class runs."""
        for name, found in self.symbols.lineage(symbol):
            if found is not None and "__init__" in found[1].methods:
                return f"{name}.__init__"
        return symbol

    def _taking(self, name: str, sink: ToCall) -> Iterator[tuple[Facts, ParameterFlow]]:
        """The parameters of a function of the project that an argument ends up in."""
        flows = self._parameters(name)
        if sink.position >= 0:
            yield from (one for one in flows if not one[1].star and one[1].position == sink.position)
            yield from (one for one in flows if one[1].star == "*" and sink.position >= one[1].position)
            return
        named = () if sink.unpacked else [f for f in flows if not f[1].star and f[1].parameter == sink.keyword]
        yield from named or (one for one in flows if one[1].star not in ("", "*"))

    def _lasting(self, facts: Facts, sink: ToCall, callee: _Callee) -> bool:
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
            if isinstance(onward, ToCall) and (self.boundary(onward) is not None or self._stores(facts, onward)):
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
        if "<locals>" in name or not self.gives_values(facts, name) or self._registered(facts, name):
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
        return any(mention is not None and s.line <= mention.line and self._is_method(s.callee) for s in given)

    def _is_method(self, callee: str) -> bool:
        """Whether a symbol is a method of an object that is no receiver of the catalogue."""
        symbol = self.symbols.meaning(callee).symbol
        own = self.symbols.class_of(symbol.rpartition(".")[0]) is not None
        return (own or "()." in symbol) and not self.catalogue.receiver_by_decorator(symbol)

    def gives_values(self, facts: Facts, function: str) -> bool:
        """Whether a function gives its callers values, and neither decorates nor makes what a module has a name for."""
        symbol = self.symbols.meaning(f"{facts.module}.{function}").symbol
        return symbol not in self.decorators and symbol not in self._named_results

    def results(self, facts: Facts, function: str) -> Sequence[tuple[Facts, Instance]]:
        """Where files of the project call a function of `facts` by its name, and where what it gives goes then."""
        symbol = f"{facts.module}.{function}"
        if symbol not in self._results:
            self._results[symbol] = [
                (owner, replace(instance, sinks=sinks))
                for owner in self.made.callers.get(symbol, ())
                for instance in owner.instances
                if instance.exact and not instance.member
                if self.symbols.meaning(instance.symbol).symbol == symbol and (sinks := self.lean(instance.sinks))
            ]
        return self._results[symbol]

    @cached_property
    def made(self) -> Made:
        """What is made and goes somewhere, gone through once: nothing else of the facts takes as much room."""
        return made(self.files, self.symbols, self.lean)

    @cached_property
    def decorators(self) -> frozenset[str]:
        """Symbolic names that are used as decorators, or called in a class body, anywhere in the project."""
        return frozenset(self.symbols.meaning(d).symbol for f in self.files for d in f.decorators if d)

    @cached_property
    def _named_results(self) -> frozenset[str]:
        """Symbolic names of functions whose results are bound to module-level names somewhere in the project."""
        return frozenset(self.symbols.meaning(c.callee).symbol for f in self.files for c in f.bound_calls if c.callee)


def _noted(table: dict[str, list[Facts]], name: str, facts: Facts) -> None:
    """Notes under a name the file that is gone through, once."""
    homes = table.setdefault(name, [])
    if not homes or homes[-1] is not facts:
        homes.append(facts)


def _handed_through(flow: ParameterFlow, given: ToCall, inner: Sink) -> Sink | None:
    """Where an argument goes that `*args` or `**kwargs` took, and handed on in the same order or under the same name.

    None where the collection is handed on itself: what crosses then is the whole of it, or nothing that is known.
    """
    if not flow.star or not isinstance(inner, ToCall) or not inner.unpacked:
        return inner
    if flow.star == "*" and inner.position >= 0:
        return replace(inner, position=inner.position + given.position - flow.position, unpacked=given.unpacked)
    if flow.star == "**" and inner.position < 0:
        return replace(inner, keyword=given.keyword, unpacked=given.unpacked)
    return None


def place(home: Facts, owner: Facts, line: int) -> str:
    """`at line 40`, or `in save.py:40` where that is another file than the one a reader looks at."""
    if owner.path == home.path:
        return f"at {owner.at(line)}"
    if owner.cells:
        return f"in {owner.path.name}, {owner.at(line)}"
    return f"in {_below(owner.path, owner.root)}:{line}"


@cache
def _below(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def stored(home: Facts, owner: Facts, sink: ToAttribute) -> str:
    """The step that stores a value on an object."""
    if not sink.attribute:
        return f"kept by a base of {sink.cls} {place(home, owner, sink.line)}"
    return f"stored on self.{sink.attribute} of {sink.cls} {place(home, owner, sink.line)}"
