"""Why plain pickle meets a value: it crosses a boundary, or goes along with what others may pickle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fixpickle.link.exposure import Exposure
from fixpickle.link.files import Copies, is_test
from fixpickle.link.places import place, stored
from fixpickle.link.shipments import Shipments
from fixpickle.link.spread import Crossing, Spread, Way
from fixpickle.link.state import State
from fixpickle.model import Evidence, Reach
from fixpickle.survey.facts import Facts, Sink, ToAttribute, ToGlobal, ToReturn, changed


@dataclass(frozen=True, slots=True)
class Kept:
    """An object that carries a value along, and the steps that lead there.

    A class of `owner` stores it, as `sink` says; `made` is the class the object is known to be of, or empty. It is
    `lasting` where it outlives the function that makes it, and `certain` where nothing on the way may use the value up.
    """

    owner: Facts
    sink: ToAttribute
    made: str
    lasting: bool
    certain: bool
    chain: tuple[str, ...]

    @property
    def carrier(self) -> str:
        """The class that stores it, as `module:Class`."""
        return f"{self.owner.module}:{self.sink.cls}"


class Reaching:
    """Follows values to where they are pickled, and weighs what is found there."""

    def __init__(self, files: Sequence[Facts], spread: Spread, state: State, exposure: Exposure) -> None:
        self.spread, self.state, self.exposure = spread, state, exposure
        self.shipments: Shipments = state.shipments
        self.copies = Copies(files)

    # --- values ---

    def reach(self, facts: Facts, sinks: Sequence[Sink]) -> Reach | None:
        """The strongest reason to believe that plain pickle meets a value with these sinks, or None."""
        return self._reach(facts, sinks, frozenset(), False)

    def _reach(self, facts: Facts, sinks: Sequence[Sink], seen: frozenset[str], inside: bool) -> Reach | None:
        """`inside` says that the value is a part of another library's object, which is made to be kept."""
        crossing = next((c for c in self.spread.crossings(facts, sinks) if not c.boundary.by_value), None)
        if crossing is not None:
            return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler)
        if is_test(facts) or self.copies.vendored(facts):
            return None  # what tests keep on their objects ends with the test; a copy is mended where it comes from
        kept = list(self._kept(facts, sinks))
        objects = list(self.spread.objects(facts, sinks))
        given = list(self._of_results(facts, objects, seen, inside))
        found = [reach for one in kept if (reach := self._crossing_with(facts, one))]
        found += [reach for reach in given if reach.evidence is Evidence.BOUNDARY]
        if found:
            return found[0]
        lasting = next((one for one in kept if one.lasting and one.certain and self._exposed(one)), None)
        if lasting is not None:
            return Reach(Evidence.STATE, lasting.chain, carrier=lasting.carrier)
        named = () if self.exposure.by_value(facts) else self._named(facts, objects, bool(seen), inside)
        return next(iter((*given, *named)), None)

    def _named(self, facts: Facts, ways: Iterable[Way], result: bool, inside: bool) -> Iterator[Reach]:
        """The names under which others find it: a module-level name, or a function that returns it.

        `result` says that it is what a function of the project gave; inner functions hand that on to nobody knows whom,
        but for those that decorate.
        """
        certain = [way for way in ways if way.certain]
        sinks = [way.sink for way in certain if not way.steps]
        for way in certain:
            sink = way.sink
            if isinstance(sink, ToGlobal) and sink.direct and self.exposure.handed_on(facts, sink, sinks):
                yield Reach(Evidence.STATE, (f"bound to the module's name {sink.name}",))
            if not isinstance(sink, ToReturn) or (sink.beside and not (inside or way.steps)):
                continue  # of several things that are given at once each goes another way
            inner = result and "<locals>" in sink.function and not _decorates(facts, sink.function)
            unused = self.exposure.internal(facts, sink.function) or self.exposure.passed_over(facts, sink.function)
            if inner or (not unused and self.spread.may_be_kept(facts, sink)):
                yield Reach(
                    Evidence.STATE,
                    (*self.spread.chain(facts, way), f"returned by {sink.function} at line {sink.line}"),
                )

    def _of_results(self, facts: Facts, ways: Iterable[Way], seen: frozenset[str], inside: bool) -> Iterator[Reach]:
        """Why plain pickle meets what a function of the file returns, as its callers use it.

        What an inner function gives its own function has to be seen to cross: most such are callbacks.
        """
        for way in ways:
            sink, kept = way.sink, inside or bool(way.steps and way.certain)
            if not isinstance(sink, ToReturn) or not self.spread.gives_values(facts, sink.function):
                continue
            key = f"{facts.module}.{sink.function}"
            for owner, given in () if key in seen else self.spread.results(facts, sink.function):
                sinks = _together(given.sinks) if sink.beside else given.sinks
                found = self._reach(owner, sinks, seen | {key}, kept)
                certain = way.certain and "<locals>" not in sink.function
                if found is not None and (certain or found.evidence is Evidence.BOUNDARY):
                    step = f"returned by {sink.function} at line {sink.line}, called {place(facts, owner, given.line)}"
                    yield replace(found, chain=(*self.spread.chain(facts, way), step, *found.chain))

    # --- objects that keep them ---

    def kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Kept]:
        """The objects that carry a value with these sinks along when they are pickled, temporary ones included.

        Only those whose attribute is known, and no object that another library's class may keep or use up.
        """
        return (kept for kept in self._kept(facts, sinks) if kept.certain and kept.sink.attribute)

    def _kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Kept]:
        for way in self.spread.ways(facts, sinks):
            if isinstance(way.sink, ToAttribute) and self.state.carries(way.owner, way.sink.cls, way.sink.attribute):
                chain = (*self.spread.chain(facts, way), stored(facts, way.owner, way.sink))
                yield Kept(way.owner, way.sink, way.made, way.lasting, way.certain, chain)

    def _crossing_with(self, facts: Facts, kept: Kept) -> Reach | None:
        """The evidence that an object which keeps a value is handed to plain pickle.

        Of a temporary object only its own methods count, which hand over `self`: another's instances are others.
        """
        for shipment in (
            self.shipments.of_made(kept.made) if kept.made else self.shipments.of(kept.carrier.replace(":", "."))
        ):
            if self.state.hides(shipment.cls, kept.sink.attribute):
                continue
            if not shipment.boundary.by_value and (kept.lasting or (kept.made and shipment.by_itself)):
                return Reach(
                    Evidence.BOUNDARY, (*kept.chain, shipment.step(facts)), shipment.boundary.pickler, kept.carrier
                )
        return None

    def _exposed(self, kept: Kept) -> bool:
        """Whether others than the package may pickle the object that keeps a value, by something else than value."""
        return not self.exposure.by_value(kept.owner) and self.exposure.held(kept.owner, kept.sink.cls)

    # --- instances ---

    def shipped(self, facts: Facts, symbol: str, but_for: int = 0) -> Iterator[Crossing]:
        """The boundaries that instances of a class of the project cross, with the step a reader of `facts` follows.

        Instances of classes below it count too: what it stores on its objects, it stores on theirs. The line `but_for`
        of `facts` does not count.
        """
        for shipment in self.shipments.of(symbol):
            if shipment.owner is facts and shipment.line == but_for:
                continue
            yield Crossing(shipment.boundary, (shipment.step(facts),))

    def shipped_at(self, facts: Facts, symbol: str) -> Iterator[tuple[int, Crossing]]:
        """The boundaries that instances of this very class cross in `facts`, each after its line there.

        What they cross in another object that keeps them is left out.
        """
        for shipment in self.shipments.of(symbol):
            if shipment.cls == symbol and shipment.owner is facts and not shipment.held:
                yield shipment.line, Crossing(shipment.boundary, (shipment.step(facts),))

    def shipped_itself(self, facts: Facts, symbol: str) -> Reach | None:
        """The evidence that plain pickle meets instances of this very class, whatever becomes of those of its bases.

        What one test puts into an object says nothing of the objects of that class which another test pickles.
        """
        for shipment in self.shipments.of(symbol):
            if shipment.held and shipment.owner is not facts and is_test(facts):
                continue
            if shipment.cls == symbol and not shipment.boundary.by_value:
                return Reach(Evidence.BOUNDARY, (shipment.step(facts),), shipment.boundary.pickler)
        return None


def _together(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """Where a tuple goes whose items are meant: handed on whole, it is still several things at once."""
    return tuple(changed(s, beside=True) if isinstance(s, ToReturn) else s for s in sinks)


def _decorates(facts: Facts, function: str) -> bool:
    """Whether an inner function works as a decorator."""
    return any(d.qualname == function and d.wraps for d in facts.definitions)
