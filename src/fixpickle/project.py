"""Link: the facts of all files together, and the questions that need more than one of them.

Each kind of question is answered in a module of `link/`; this is the one face that rules see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from fixpickle.link.asking import Asking
from fixpickle.link.exposure import Exposure
from fixpickle.link.files import is_test
from fixpickle.link.given import handed_in
from fixpickle.link.namesakes import Namesakes
from fixpickle.link.raising import Raising
from fixpickle.link.reaching import Kept, Reaching
from fixpickle.link.spread import Crossing, Spread
from fixpickle.link.state import State
from fixpickle.link.symbols import Symbols
from fixpickle.link.tables import gathered
from fixpickle.model import Reach, Span, Strategy, Traced
from fixpickle.sightings import seen
from fixpickle.survey.catalogue import Boundary, Catalogue, catalogue
from fixpickle.survey.facts import ClassFacts, Factory, Facts, HandedOn, Reference, Sink, ToCall, ToldApart
from fixpickle.survey.initialisers import ExceptionFacts, Raised

_ROOTS = 2  # whose names are linked by themselves and kept: files come root by root, and links take memory


class Project:
    """Every file's facts, and the questions that need more than one of them."""

    def __init__(
        self,
        facts: Iterable[Facts],
        boundaries: Catalogue | None = None,
        strategy: Strategy = Strategy.FACTORY,
        traced: Sequence[Traced] = (),
        import_seconds: Mapping[str, float] | None = None,
        root: Path | None = None,
        release: tuple[int, ...] = (),
    ) -> None:
        self.root = root  # the import root that comes first, where only its names are read
        self.release = release  # of the Python that runs it, as (3, 14); empty where that is not known
        self.files: Sequence[Facts] = tuple(sorted(facts, key=lambda f: f.path))
        self.strategy = strategy
        self.traced = traced
        self.import_seconds = import_seconds
        self.catalogue: Catalogue = boundaries or catalogue()
        plain = Symbols(self.files, self.catalogue)
        self._symbols = plain.knowing(handed_in(self.files, plain))
        self._spread = Spread(self.files, self._symbols, self.catalogue)
        self._state = State(self.files, self._symbols, self._spread)
        self.keepers = self._state.keepers
        self.exposure = Exposure(self.files, self._symbols, self._spread, self._state)
        self._reaching = Reaching(self.files, self._spread, self._state, self.exposure)
        self._raising = Raising(self.files, self._symbols)
        self._asking = Asking(self.files, self._spread)
        self._namesakes = Namesakes(self.files)
        self._apart: dict[Path, Project] = {}

    def over(self, facts: Iterable[Facts], traced: Sequence[Traced] = ()) -> Project:
        """The same project with other facts, and where a traced run failed in these: boundaries and strategy stay."""
        return self._of(facts, traced, self.import_seconds)

    def weighed(self, import_seconds: Mapping[str, float]) -> Project:
        """The same project, and the seconds that heavy packages take to import; before that they are None."""
        return self._of(self.files, self.traced, import_seconds)

    def _of(
        self,
        facts: Iterable[Facts],
        traced: Sequence[Traced],
        import_seconds: Mapping[str, float] | None,
        root: Path | None = None,
    ) -> Project:
        return Project(facts, self.catalogue, self.strategy, traced, import_seconds, root, self.release)

    def seen_from(self, facts: Facts) -> Project:
        """The project as one file sees it: where modules share a name, without those that its imports do not mean."""
        if not self._namesakes.apart(facts):
            return self
        root = facts.root
        project = self._apart.pop(root, None)
        if project is None:
            project = self._of(self._namesakes.reached_from(root), self.traced, self.import_seconds, root)
        self._apart[root] = project  # the one that was asked for last stands last
        if len(self._apart) > _ROOTS:
            del self._apart[next(iter(self._apart))]
        return project

    # --- names ---

    def real(self, symbol: str) -> str:
        """The symbol behind re-exports."""
        return self._symbols.meaning(symbol).symbol

    @property
    def above(self) -> frozenset[Path]:
        """The folders above import roots from which modules of the project are imported by others of it."""
        return self._symbols.above

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

    @cached_property
    def references(self) -> dict[str, list[tuple[Facts, Reference]]]:
        """The places that name something, by the last word of its symbolic name, in the order of files."""
        return gathered((r.symbol.rpartition(".")[2], (f, r)) for f in self.files for r in f.references)

    def telling_apart(self, symbol: str) -> Sequence[tuple[Facts, ToldApart]]:
        """The files that take a name from the module that has it, and compare it by identity."""
        return self._telling_apart.get(symbol, ())

    @cached_property
    def _telling_apart(self) -> dict[str, list[tuple[Facts, ToldApart]]]:
        return gathered((one.symbol, (f, one)) for f in self.files for one in f.told_apart)

    def names_read(self, symbol: str) -> str:
        """Where the module of a function or class of the project reads the names of what it is given, if anywhere."""
        facts = self._home(symbol)
        return f"{facts.module}, line {facts.asked.name}" if facts is not None and facts.asked.name else ""

    def looks_into(self, symbol: str) -> bool:
        """Whether the module of a function or class asks for more of what it is given than its name and docstring."""
        facts = self._home(symbol)
        return facts is not None and facts.asked.more > 0

    def signature_read(self, symbol: str) -> str:
        """Where the module of a function or class asks for the signature of what it is given, if anywhere."""
        facts = self._home(symbol)
        return f"{facts.module}, line {facts.asked.signature}" if facts is not None and facts.asked.signature else ""

    def asked_when_kept(self, facts: Facts, sinks: Iterable[Sink]) -> tuple[str, bool] | None:
        """Where the `__name__` of what objects keep of these sinks is read, and whether more than that is asked for."""
        return self._asking.of_kept(facts, sinks)

    def _home(self, symbol: str) -> Facts | None:
        """The facts of the module that a function or class of the project is in."""
        parts = self.real(symbol).split(".")
        modules = (".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
        return next((self._by_module[m] for m in modules if m in self._by_module), None)

    @cached_property
    def _by_module(self) -> dict[str, Facts]:
        return {facts.module: facts for facts in self.files}

    def is_module(self, symbol: str) -> bool:
        """Whether a symbolic name is that of a module of the project."""
        return self.real(symbol) in self._by_module or symbol in self._by_module

    # --- functions ---

    @property
    def decorators(self) -> frozenset[str]:
        """Symbolic names that are used as decorators, or called in a class body, anywhere in the project."""
        return self._spread.decorators

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

    def factory(self, symbol: str) -> Factory | None:
        """The project's function of that name, where it always returns one function of its own."""
        return self._factories.get(self.real(symbol))

    @cached_property
    def _factories(self) -> dict[str, Factory]:
        return {f"{facts.module}.{f.name}": f for facts in self.files for f in facts.factories}

    # --- classes ---

    def class_of(self, symbol: str) -> ClassFacts | None:
        """The project's class of that symbolic name."""
        found = self._symbols.class_of(symbol)
        return found[1] if found else None

    def lineage(self, facts: Facts, name: str) -> Iterator[tuple[str, ClassFacts | None]]:
        """A class of `facts` and its ancestors as symbolic names, with their facts where the project has them."""
        for symbol, found in self._symbols.lineage(f"{facts.module}.{name}"):
            yield symbol, found[1] if found else None

    def ancestors(self, facts: Facts, name: str) -> Iterator[tuple[Facts, ClassFacts]]:
        """The classes of the project that a class of `facts` inherits from, nearest first, each after its file."""
        own = f"{facts.module}.{name}"
        yield from (found for symbol, found in self._symbols.lineage(own) if found is not None and symbol != own)

    @property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The classes of the project that name a class among their bases, by its symbolic name."""
        return self._symbols.children

    def heirs(self, facts: Facts, name: str) -> Sequence[tuple[Facts, ClassFacts]]:
        """The classes that inherit from a class of `facts`, over however many steps, each after its file."""
        return self._symbols.heirs.get(f"{facts.module}.{name}", ())

    def family(self, facts: Facts, name: str) -> frozenset[str]:
        """The other classes that a class of `facts` inherits from or that inherit from it, as symbolic names."""
        above = (symbol for symbol, _ in self.lineage(facts, name))
        below = (f"{other.module}.{cls.name}" for other, cls in self.heirs(facts, name))
        return frozenset((*above, *below)) - {f"{facts.module}.{name}"}

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

    @property
    def exceptions(self) -> Mapping[str, tuple[Facts, ExceptionFacts]]:
        """The classes of the project that may be exceptions of a kind of their own, by symbolic name."""
        return self._raising.exceptions

    @property
    def raised(self) -> Mapping[str, Sequence[tuple[Facts, Raised]]]:
        """Where the project raises its own classes, by symbolic name."""
        return self._raising.raised

    # --- locks ---

    def strategy_at(self, facts: Facts, line: int) -> Strategy | str:
        """What is to become of a lock made on that line: by its comment, else the run's. Another name is given back."""
        names = [name for at, name in facts.strategies if at == line]
        if not names:
            return self.strategy
        return next((s for s in Strategy if s.value == names[0]), names[0])

    def guarded(self, facts: Facts, cls: str, attribute: str) -> str:
        """What a lock in that attribute keeps other threads out of that other processes reach too, or an empty string.

        Classes that inherit from `cls` of `facts` hold it too.
        """
        wanted = f"{facts.module}.{cls}"
        for other, name, what in self._guarded.get(attribute, ()):
            if self._symbols.descends(f"{other.module}.{name}", wanted):
                return f"{what} of {other.path.name}"
        return ""

    @cached_property
    def _guarded(self) -> dict[str, list[tuple[Facts, str, str]]]:
        return gathered((held, (f, name, what)) for f in self.files for name, held, what in f.guarded)

    # --- state: see link/state.py ---

    def process_bound(self, facts: Facts, name: str, besides: Collection[str] = ()) -> str:
        """Why an instance of the class is one process's by nature, `besides` those attributes; or an empty string."""
        return self._state.process_bound(facts, name, besides)

    def left_alone(self, facts: Facts, name: str, attribute: str) -> str:
        """Why instances of the class are not to be made picklable, by what its attribute holds; or an empty string."""
        return self._state.left_alone(facts, name, attribute)

    def keyed_by_id(self, facts: Facts, name: str) -> str:
        """What instances of the class, or of one below it, carry along that is keyed by `id()`, or an empty string."""
        return self._state.keyed_by_id(facts, name)

    def hooked(self, facts: Facts, name: str, attribute: str) -> str:
        """The pickling hook, of the class or an ancestor in the project, that may keep the attribute back, or ""."""
        return self._state.hooked(facts, name, attribute)

    def carries(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class carry that attribute along when pickled, and can be pickled at all."""
        return self._state.carries(facts, name, attribute)

    def left_out(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class are pickled without the attribute, or may be: by a hook, or set later."""
        return self._state.left_out(facts, name, attribute)

    def by_name(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether hooks of the class, or of one above it, pickle a module or stream in the attribute by its name."""
        states = (found.state for _, found in self.lineage(facts, name) if found is not None)
        return any(attribute in state.named for state in states if state is not None)

    # --- reach: see link/reaching.py ---

    def copied(self, facts: Facts) -> bool:
        """Whether a file is a copy of another project's, kept in a folder for such copies."""
        return self._reaching.copies.vendored(facts)

    def failed(self, facts: Facts, span: Span) -> Reach | None:
        """The evidence that a traced run failed on an instance which is made at `span`, or None."""
        return seen(self.traced, facts.path, span, "")

    def reach(self, facts: Facts, sinks: Sequence[Sink]) -> Reach | None:
        """The strongest reason to believe that plain pickle meets a value with these sinks, or None."""
        return self._reaching.reach(facts, sinks)

    def crossings(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Crossing]:
        """Every boundary that a value with these sinks reaches, through functions of the project too."""
        return self._spread.crossings(facts, sinks)

    def kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Kept]:
        """The objects that are known to carry a value with these sinks along, temporary ones included."""
        return self._reaching.kept(facts, sinks)

    def shipped(self, facts: Facts, symbol: str, but_for: int = 0) -> Iterator[Crossing]:
        """The boundaries that instances of a class of the project cross, but for those at the line `but_for`."""
        return self._reaching.shipped(facts, symbol, but_for)

    def shipped_at(self, facts: Facts, symbol: str) -> Iterator[tuple[int, Crossing]]:
        """The boundaries that instances of this very class cross in a file by themselves, each after its line there."""
        return self._reaching.shipped_at(facts, symbol)

    def shipped_itself(self, facts: Facts, symbol: str) -> Reach | None:
        """The evidence that plain pickle meets instances of this very class, whatever becomes of those of its bases."""
        return self._reaching.shipped_itself(facts, symbol)

    def boundaries(self, symbol: str) -> tuple[Boundary, ...]:
        """All the boundaries that instances of a class of the project are known to cross."""
        return tuple(dict.fromkeys(shipment.boundary for shipment in self._state.shipments.of(symbol)))


__all__ = ["Crossing", "Kept", "Project", "is_test"]
