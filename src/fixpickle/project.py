"""Link: the facts of all files together, and which value reaches which boundary or lasting state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from fixpickle.link.exposure import Exposure, packaged
from fixpickle.link.given import handed_in
from fixpickle.link.keepers import Keepers
from fixpickle.link.places import place, stored
from fixpickle.link.raising import Raising
from fixpickle.link.shipments import Shipments
from fixpickle.link.spread import Crossing, Spread, Way
from fixpickle.link.symbols import Symbols
from fixpickle.model import Evidence, Reach, Span, Strategy, Traced
from fixpickle.sightings import seen
from fixpickle.survey.catalogue import Boundary, Catalogue, catalogue
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import ClassFacts, Factory, Facts, HandedOn, Sink, ToAttribute, ToCall, ToGlobal, ToReturn
from fixpickle.survey.initialisers import ExceptionFacts, Raised

# Hooks that decide what of an instance is pickled; `__setstate__` or `__deepcopy__` alone decide nothing.
HIDING = frozenset({"__getstate__", "__reduce__", "__reduce_ex__"})


_STREAMS = frozenset({"sys.stdin", "sys.stdout", "sys.stderr"})
_FOR_TESTS = frozenset({"tests", "test", "testing", "_testing"})
_VENDORED = ("vendor", "thirdparty")


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


class Project:
    """Every file's facts, and the questions that need more than one of them."""

    def __init__(
        self,
        facts: Iterable[Facts],
        boundaries: Catalogue | None = None,
        strategy: Strategy = Strategy.FACTORY,
        traced: Sequence[Traced] = (),
        import_seconds: Mapping[str, float] | None = None,
    ) -> None:
        self.files: Sequence[Facts] = tuple(sorted(facts, key=lambda f: f.path))
        self.strategy = strategy
        self.traced = traced
        self.import_seconds = import_seconds
        self.catalogue: Catalogue = boundaries or catalogue()
        plain = Symbols(self.files, self.catalogue)
        self._symbols = plain.knowing(handed_in(self.files, plain))
        self._spread = Spread(self.files, self._symbols, self.catalogue)
        self.keepers = Keepers(self.files, self._symbols, self._passes_on)
        self.exposure = Exposure(self.files, self._symbols, self._spread, self.catalogue, self._passes_on)
        self._raising = Raising(self.files, self._symbols)
        self._shipments = Shipments(self.files, self._symbols, self._spread, self.left_out)

    def over(self, facts: Iterable[Facts], traced: Sequence[Traced] = ()) -> Project:
        """The same project with other facts, and where a traced run failed in these: boundaries and strategy stay."""
        return Project(facts, self.catalogue, self.strategy, traced, self.import_seconds)

    def weighed(self, import_seconds: Mapping[str, float]) -> Project:
        """The same project, and the seconds that heavy packages take to import; before that they are None."""
        return Project(self.files, self.catalogue, self.strategy, self.traced, import_seconds)

    # --- indexes ---

    @property
    def exceptions(self) -> Mapping[str, tuple[Facts, ExceptionFacts]]:
        """The classes of the project that may be exceptions of a kind of their own, by symbolic name."""
        return self._raising.exceptions

    @property
    def raised(self) -> Mapping[str, Sequence[tuple[Facts, Raised]]]:
        """Where the project raises its own classes, by symbolic name."""
        return self._raising.raised

    @property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The classes of the project that name a class among their bases, by its symbolic name."""
        return self._symbols.children

    @property
    def above(self) -> frozenset[Path]:
        """The folders above import roots from which modules of the project are imported by others of it."""
        return self._symbols.above

    def heirs(self, facts: Facts, name: str) -> Sequence[tuple[Facts, ClassFacts]]:
        """The classes that inherit from a class of `facts`, over however many steps, each after its file."""
        return self._symbols.heirs.get(f"{facts.module}.{name}", ())

    @cached_property
    def tops(self) -> frozenset[str]:
        """The packages of the project, and its modules outside of any."""
        return frozenset(facts.module.partition(".")[0] for facts in self.files)

    @cached_property
    def handed_on(self) -> dict[str, list[tuple[Facts, HandedOn]]]:
        """What files import of others and hand on, by the symbolic name of the module that has it."""
        table: dict[str, list[tuple[Facts, HandedOn]]] = {}
        for facts in self.files:
            for handed in facts.handed_on:
                if not self._symbols.foreign(symbol := self.real(handed.symbol)):
                    table.setdefault(symbol.rpartition(".")[0], []).append((facts, handed))
        return table

    @property
    def decorators(self) -> frozenset[str]:
        """Symbolic names that are used as decorators, or called in a class body, anywhere in the project."""
        return self._spread.decorators

    @cached_property
    def _factories(self) -> dict[str, Factory]:
        return {f"{facts.module}.{f.name}": f for facts in self.files for f in facts.factories}

    def factory(self, symbol: str) -> Factory | None:
        """The project's function of that name, where it always returns one function of its own."""
        return self._factories.get(self.real(symbol))

    def decorated(self, symbol: str) -> Sequence[tuple[Facts, str]]:
        """The module-level functions of the project that are decorated with that symbol, each after its file."""
        return self._decorated.get(self.real(symbol), ())

    @cached_property
    def _decorated(self) -> dict[str, list[tuple[Facts, str]]]:
        table: dict[str, list[tuple[Facts, str]]] = {}
        for facts in self.files:
            for mention in facts.mentions:
                for symbol in {self.real(s.callee) for s in mention.sinks if isinstance(s, ToCall) and s.decorates}:
                    table.setdefault(symbol, []).append((facts, mention.name))
        return table

    def strategy_at(self, facts: Facts, line: int) -> Strategy | str:
        """What is to become of a lock made on that line: by its comment, else the run's. Another name is given back."""
        names = [name for at, name in facts.strategies if at == line]
        if not names:
            return self.strategy
        return next((s for s in Strategy if s.value == names[0]), names[0])

    def real(self, symbol: str) -> str:
        """The symbol behind re-exports."""
        return self._symbols.meaning(symbol).symbol

    def names_read(self, symbol: str) -> str:
        """Where the module of a function or class of the project reads the names of what it is given, if anywhere."""
        facts = self._home(symbol)
        return f"{facts.module}, line {facts.asked.name}" if facts is not None and facts.asked.name else ""

    def looks_into(self, symbol: str) -> bool:
        """Whether the module of a function or class asks for more of what it is given than its name and docstring."""
        facts = self._home(symbol)
        return facts is not None and facts.asked.more > 0

    def _home(self, symbol: str) -> Facts | None:
        """The facts of the module that a function or class of the project is in."""
        parts = self.real(symbol).split(".")
        modules = (".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
        return next((self._by_module[m] for m in modules if m in self._by_module), None)

    @cached_property
    def _by_module(self) -> dict[str, Facts]:
        return {facts.module: facts for facts in self.files}

    def class_of(self, symbol: str) -> ClassFacts | None:
        """The project's class of that symbolic name."""
        found = self._symbols.class_of(symbol)
        return found[1] if found else None

    def lineage(self, facts: Facts, name: str) -> Iterator[tuple[str, ClassFacts | None]]:
        """A class of `facts` and its ancestors as symbolic names, with their facts where the project has them."""
        for symbol, found in self._symbols.lineage(f"{facts.module}.{name}"):
            yield symbol, found[1] if found else None

    def held(self, carrier: str) -> frozenset[str]:
        """The classes, as `module:Class`, of which instances of `carrier` hold instances, directly or through these."""
        met = [carrier]
        for name in met:
            owner = self._symbols.class_of(name.replace(":", "."))
            kinds = [value for _, value in owner[1].attributes if value.endswith("()")] if owner else []
            for part in (self._symbols.class_of(kind.removesuffix("()")) for kind in kinds):
                if part is not None and (inner := f"{part[0].module}:{part[1].name}") not in met:
                    met.append(inner)
        return frozenset(met) - {carrier}

    # --- state ---

    def process_bound(self, facts: Facts, name: str, besides: Collection[str] = ()) -> str:
        """Why an instance of the class is one process's by nature, or an empty string.

        What is kept in the attributes `besides` does not count, and what hooks of its own leave out. An instance that
        is handed to a process as it starts, and one that is itself a process, take along what these inherit.
        """
        for imported in facts.imports:
            if (top := imported.target.split(".")[0]) in self.catalogue.bound_modules:
                return f"its module drives a display ({top}), which belongs to one process"
        starts = self._handed_to_starting(facts, name)
        for symbol, found in self.lineage(facts, name):
            if self._bound_by_base(facts, name, symbol):
                return f"it is a {symbol}, which belongs to one process"
            if found is None:
                continue
            if found.coroutines and not starts:
                return f"{found.name} has coroutine methods, so it belongs to an event loop"
            later = self._set_once_started(facts, name, found)
            attribute, value = self._bound_part(found, starts, {*besides, *later})
            if attribute:
                return f"it keeps a {value.removesuffix('()')} in self.{attribute}, which belongs to one process"
        return ""

    def _bound_by_base(self, facts: Facts, name: str, base: str) -> bool:
        bound = base in self.catalogue.bound_bases - self.catalogue.started_bases
        return bound and not (base in PRIMITIVES and self.keepers.keep_some(facts, name))

    def _bound_part(self, cls: ClassFacts, starts: bool, besides: Collection[str]) -> tuple[str, str]:
        """An attribute of a class that holds what belongs to one process, and what that is; empty where none does."""
        left_out = cls.state.dropped if cls.state and cls.state.copies else ()
        inherited = self.catalogue.inherited_values if starts else ()
        for attribute, value in (*cls.attributes, *cls.parts):
            if attribute in besides or attribute in left_out or value in inherited:
                continue
            if value in self.catalogue.bound_values or self._made_bound(value):
                return attribute, value
            if value in _STREAMS and (attribute, value) in cls.parts:
                return attribute, f"collection of {value} and the like"
        return "", ""

    def _handed_to_starting(self, facts: Facts, name: str) -> bool:
        """Whether instances are handed to processes as they are started, which inherit what nobody else can be sent."""
        return any(boundary.starts for boundary in self.boundaries(f"{facts.module}.{name}"))

    def left_alone(self, facts: Facts, name: str, attribute: str) -> str:
        """Why instances of the class are not to be made picklable, by what its attribute holds; or an empty string."""
        for _, found in self.lineage(facts, name):
            if found is not None and found.refusing:
                return f"{found.name}.{found.refusing} raises on purpose: its instances are not to be pickled"
            if found is not None and HIDING & set(found.hooks):
                break  # a hook of its own decides, and one of a base that raises is not reached
        if self.hooked(facts, name, attribute):
            return ""
        return self.process_bound(facts, name) or self.keyed_by_id(facts, name)

    def keyed_by_id(self, facts: Facts, name: str) -> str:
        """What instances of the class, or of one below it, carry along that is keyed by `id()`, or an empty string.

        Such an instance loads without an error, and finds nothing, or something else, under the old keys.
        """
        symbols = [f"{facts.module}.{name}"]
        for symbol in symbols:
            symbols += [c for c in self.children.get(symbol, ()) if c not in symbols]
        own = [found for _, found in self.lineage(facts, name) if found is not None]
        below = [found for symbol in symbols[1:] if (found := self.class_of(symbol)) is not None]
        for found in (*own, *below):
            for attribute in found.keyed_by_id:
                if not self.hooked(facts, name, attribute):
                    return f"self.{attribute} of {found.name} is keyed by id(), which means nothing in another process"
        return ""

    def _made_bound(self, value: str) -> bool:
        """Whether an attribute holds an instance of a project's class that is a thread, server or the like."""
        found = self._symbols.class_of(value.removesuffix("()")) if value.endswith("()") else None
        if found is None:
            return False
        bases = self.catalogue.bound_bases - PRIMITIVES
        return any(symbol in bases for symbol, _ in self.lineage(found[0], found[1].name))

    def hooked(self, facts: Facts, name: str, attribute: str) -> str:
        """The pickling hook, of the class or an ancestor in the project, that may keep the attribute back, or ""."""
        for _, found in self.lineage(facts, name):
            hooks = HIDING & frozenset(found.hooks if found is not None else ())
            if found is not None and hooks and not _hands_on(found, hooks, attribute):
                return f"{found.name}.{min(hooks)}"
        return ""

    def carries(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class carry that attribute along when pickled, and can be pickled at all."""
        return not self.process_bound(facts, name) and not self.left_out(facts, name, attribute)

    def left_out(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class are pickled without the attribute, or may be: by a hook, or set later."""
        found = self.class_of(f"{facts.module}.{name}")
        later = self._set_once_started(facts, name, found) if found is not None else ()
        below = packaged(facts) and self._hooked_below(f"{facts.module}.{name}", attribute)
        return attribute in later or below or bool(self.hooked(facts, name, attribute))

    def _hooked_below(self, symbol: str, attribute: str) -> bool:
        """Whether a class has no instances of its own, and all that inherit from it have hooks, as of a mixin.

        Those hooks may keep the attribute back.
        """
        heirs = self.children.get(symbol, ())
        return (
            bool(heirs)
            and symbol not in self._spread.made.given
            and all(self._hooked_in(heir, attribute) or self._hooked_below(heir, attribute) for heir in heirs)
        )

    def _hooked_in(self, symbol: str, attribute: str) -> bool:
        found = self._symbols.class_of(symbol)
        return found is not None and bool(self.hooked(found[0], found[1].name, attribute))

    def _set_once_started(self, facts: Facts, name: str, found: ClassFacts) -> Collection[str]:
        """What the class, or `found` above it, sets only after instances are pickled: where these are processes.

        Of an object that is handed to a process it is not known whether it is set before that.
        """
        return found.set_later if found.set_later and self._starts(facts, name) else ()

    def _starts(self, facts: Facts, name: str) -> bool:
        """Whether instances of the class are processes."""
        return any(symbol in self.catalogue.started_bases for symbol, _ in self.lineage(facts, name))

    def _passes_on(self, facts: Facts, name: str, attribute: str) -> bool:
        return not is_test(facts) and self.carries(facts, name, attribute)

    def _vendored(self, facts: Facts) -> bool:
        """Whether a module is a copy of another project's, by the names of the folders that such copies are kept in."""
        folders = (*self._below[facts.root], *facts.module.split(".")[:-1])
        return any(part.lstrip("_").replace("_", "").startswith(_VENDORED) for part in folders)

    @cached_property
    def _below(self) -> dict[Path, tuple[str, ...]]:
        """The folders that lead from the outermost import root around a root to that, for every root of the files."""
        roots = sorted({facts.root for facts in self.files}, key=lambda root: len(root.parts))
        return {root: root.relative_to(next(r for r in roots if root.is_relative_to(r))).parts for root in roots}

    # --- reach ---

    def failed(self, facts: Facts, span: Span) -> Reach | None:
        """The evidence that a traced run failed on an instance which is made at `span`, or None."""
        return seen(self.traced, facts.path, span, "")

    def crossings(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Crossing]:
        """Every boundary that a value with these sinks reaches, through functions of the project too."""
        return self._spread.crossings(facts, sinks)

    def kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Kept]:
        """The objects that carry a value with these sinks along when they are pickled, temporary ones included.

        Only those whose attribute is known, and no object that another library's class may keep or use up.
        """
        return (kept for kept in self._kept(facts, sinks) if kept.certain and kept.sink.attribute)

    def _kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Kept]:
        for way in self._spread.ways(facts, sinks):
            if isinstance(way.sink, ToAttribute) and self.carries(way.owner, way.sink.cls, way.sink.attribute):
                chain = (*self._spread.chain(facts, way), stored(facts, way.owner, way.sink))
                yield Kept(way.owner, way.sink, way.made, way.lasting, way.certain, chain)

    def guarded(self, facts: Facts, cls: str, attribute: str) -> str:
        """What a lock in that attribute keeps other threads out of that other processes reach too, or an empty string.

        Classes that inherit from `cls` of `facts` hold it too.
        """
        wanted = f"{facts.module}.{cls}"
        for other, name, what in self._guarded.get(attribute, ()):
            if any(symbol == wanted for symbol, _ in self.lineage(other, name)):
                return f"{what} of {other.path.name}"
        return ""

    @cached_property
    def _guarded(self) -> dict[str, list[tuple[Facts, str, str]]]:
        table: dict[str, list[tuple[Facts, str, str]]] = {}
        for facts in self.files:
            for name, held, what in facts.guarded:
                table.setdefault(held, []).append((facts, name, what))
        return table

    def shipped(self, facts: Facts, symbol: str, but_for: int = 0) -> Iterator[Crossing]:
        """The boundaries that instances of a class of the project cross, with the step a reader of `facts` follows.

        Instances of classes below it count too: what it stores on its objects, it stores on theirs. The line `but_for`
        of `facts` does not count.
        """
        for shipment in self._shipments.of(symbol):
            if shipment.owner is facts and shipment.line == but_for:
                continue
            yield Crossing(shipment.boundary, (shipment.step(facts),))

    def shipped_itself(self, facts: Facts, symbol: str) -> Reach | None:
        """The evidence that plain pickle meets instances of this very class, whatever becomes of those of its bases.

        What one test puts into an object says nothing of the objects of that class which another test pickles.
        """
        for shipment in self._shipments.of(symbol):
            if shipment.held and shipment.owner is not facts and is_test(facts):
                continue
            if shipment.cls == symbol and not shipment.boundary.by_value:
                return Reach(Evidence.BOUNDARY, (shipment.step(facts),), shipment.boundary.pickler)
        return None

    def boundaries(self, symbol: str) -> tuple[Boundary, ...]:
        """All the boundaries that instances of a class of the project are known to cross."""
        return tuple(dict.fromkeys(shipment.boundary for shipment in self._shipments.of(symbol)))

    def _crossing_with(self, facts: Facts, kept: Kept) -> Reach | None:
        """The evidence that an object which keeps a value is handed to plain pickle.

        Of a temporary object only its own methods count, which hand over `self`: another's instances are others.
        """
        for shipment in (
            self._shipments.of_made(kept.made) if kept.made else self._shipments.of(kept.carrier.replace(":", "."))
        ):
            if self._hooked_in(shipment.cls, kept.sink.attribute):
                continue
            if not shipment.boundary.by_value and (kept.lasting or (kept.made and shipment.by_itself)):
                return Reach(
                    Evidence.BOUNDARY, (*kept.chain, shipment.step(facts)), shipment.boundary.pickler, kept.carrier
                )
        return None

    def reach(self, facts: Facts, sinks: Sequence[Sink]) -> Reach | None:
        """The strongest reason to believe that plain pickle meets a value with these sinks, or None."""
        return self._reach(facts, sinks, frozenset(), False)

    def _reach(self, facts: Facts, sinks: Sequence[Sink], seen: frozenset[str], inside: bool) -> Reach | None:
        """`inside` says that the value is a part of another library's object, which is made to be kept."""
        crossing = next((c for c in self.crossings(facts, sinks) if not c.boundary.by_value), None)
        if crossing is not None:
            return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler)
        if is_test(facts) or self._vendored(facts):
            return None  # what tests keep on their objects ends with the test; a copy is mended where it comes from
        kept = list(self._kept(facts, sinks))
        objects = list(self._spread.objects(facts, sinks))
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
            if inner or (not unused and self._spread.may_be_kept(facts, sink)):
                yield Reach(
                    Evidence.STATE,
                    (*self._spread.chain(facts, way), f"returned by {sink.function} at line {sink.line}"),
                )

    def _of_results(self, facts: Facts, ways: Iterable[Way], seen: frozenset[str], inside: bool) -> Iterator[Reach]:
        """Why plain pickle meets what a function of the file returns, as its callers use it.

        What an inner function gives its own function has to be seen to cross: most such are callbacks.
        """
        for way in ways:
            sink, kept = way.sink, inside or bool(way.steps and way.certain)
            if not isinstance(sink, ToReturn) or not self._spread.gives_values(facts, sink.function):
                continue
            key = f"{facts.module}.{sink.function}"
            for owner, given in () if key in seen else self._spread.results(facts, sink.function):
                sinks = _together(given.sinks) if sink.beside else given.sinks
                found = self._reach(owner, sinks, seen | {key}, kept)
                certain = way.certain and "<locals>" not in sink.function
                if found is not None and (certain or found.evidence is Evidence.BOUNDARY):
                    step = f"returned by {sink.function} at line {sink.line}, called {place(facts, owner, given.line)}"
                    yield replace(found, chain=(*self._spread.chain(facts, way), step, *found.chain))

    def _exposed(self, kept: Kept) -> bool:
        """Whether others than the package may pickle the object that keeps a value, by something else than value."""
        if self.exposure.by_value(kept.owner):
            return False
        return self.exposure.held(kept.owner, kept.sink.cls)


def _hands_on(cls: ClassFacts, hooks: frozenset[str], attribute: str) -> bool:
    """Whether a class' only hook is a `__getstate__` that copies the state, that attribute included."""
    state = cls.state
    return hooks == {"__getstate__"} and state is not None and state.copies and attribute not in state.dropped


def _together(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """Where a tuple goes whose items are meant: handed on whole, it is still several things at once."""
    return tuple(replace(s, beside=True) if isinstance(s, ToReturn) else s for s in sinks)


def _decorates(facts: Facts, function: str) -> bool:
    """Whether an inner function works as a decorator."""
    return any(d.qualname == function and d.wraps for d in facts.definitions)


def is_test(facts: Facts) -> bool:
    """Whether a module is a test, or is there for tests, by the names that test runners and packages go by."""
    parts = facts.module.split(".")
    name = parts[-1]
    return bool(_FOR_TESTS & set(parts)) or name.startswith("test_") or name.endswith("_test") or name == "conftest"


__all__ = ["HIDING", "Crossing", "Kept", "Project", "is_test"]
