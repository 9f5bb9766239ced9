"""Who can hand a thing over: what is public may be pickled by anybody, what is private by its own project alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from sys import intern

from fixpickle.link.files import is_test, packaged
from fixpickle.link.spread import Spread
from fixpickle.link.state import State
from fixpickle.link.symbols import Symbols
from fixpickle.survey.facts import Facts, ImportFact, Sink, ToAttribute, ToCall, ToGlobal, ToReturn

_BY_STRING = frozenset({"globals", "vars", "locals"})
"""What reads names of a module that are written nowhere."""


class Exposure:
    """What of a project its users have a name for, and what its public objects hold."""

    def __init__(self, files: Sequence[Facts], symbols: Symbols, spread: Spread, state: State) -> None:
        self.files, self.symbols, self.spread, self.catalogue = files, symbols, spread, spread.catalogue
        self.state = state
        self._known: dict[str, bool] = {}

    # --- indexes ---

    @cached_property
    def _imported(self) -> frozenset[str]:
        """Symbols that a file takes from another by name."""
        return self._both(i.target for f in self.files for i in f.imports if not i.whole)

    @cached_property
    def _used(self) -> frozenset[str]:
        """Symbols that a file takes from another by name, or reads as an attribute of the other module."""
        return self._imported | self._reached

    @cached_property
    def _reached(self) -> frozenset[str]:
        """Symbols that a file reads as attributes of another module."""
        return self._both(symbol for f in self.files for symbol in f.reached)

    @cached_property
    def _taken(self) -> frozenset[str]:
        """Symbols that a file reads as an attribute of another module of its package, to keep or to hand on."""
        return self._both(symbol for f in self.files for symbol in f.taken)

    @cached_property
    def _republished(self) -> frozenset[str]:
        """Symbols to which a public module gives a public name."""
        named = ((f"{f.module}.{i.local}", i.target) for f in self.files for i in f.imports if i.top and not i.whole)
        given = (target for name, target in named if _public(name) and not self.symbols.foreign(target))
        return frozenset(map(self._real, given))

    @cached_property
    def _exported(self) -> frozenset[str]:
        """Symbols that a module lists in `__all__`, or imports for others: as packages do, and who writes `x as x`."""
        listed = [f"{f.module}.{name}" for f in self.files for name in f.exports or ()]
        packages = (f for f in self.files if f.package and _public(f.module))
        taken = [i.target for f in packages for i in f.imports if i.top and not i.whole and _offers(f, i.local)]
        modules = (f for f in self.files if _public(f.module))
        given = [i.target for f in modules for i in f.imports if i.top and i.offered and _public(i.local)]
        return self._both((*listed, *taken, *given))

    def _real(self, symbol: str) -> str:
        return self.symbols.meaning(symbol).symbol

    def _both(self, symbols: Iterable[str]) -> frozenset[str]:
        """The symbols of the project, and what they stand for: a name of a call's result is one to others, too."""
        named = [intern(symbol) for symbol in symbols if not self.symbols.foreign(symbol)]
        return frozenset([*named, *map(self._real, named)])

    # --- questions ---

    def exposed(self, symbol: str) -> bool:
        """Whether somebody may pickle instances of a class: by its name, by an heir's, or as a part of what is."""
        if symbol not in self._known:
            self._known[symbol] = False  # ends circles
            self._known[symbol] = (
                (_public(symbol) and not self._bound(symbol) and not self._used_up(symbol))
                or (symbol in self._republished and not self._used_up(symbol))
                or any(self.exposed(heir) for heir in self.symbols.children.get(symbol, ()))
                or any(self._hands_on(facts, sink) for facts, sink in self._given(symbol))
            )
        return self._known[symbol]

    def _bound(self, symbol: str) -> bool:
        """Whether a class is a part of what stays: it is not exported, and its instances are kept there alone."""
        given = list(self._given(symbol))
        keeping = all(isinstance(s, ToAttribute) and not self.state.passes_on(f, s.cls, s.attribute) for f, s in given)
        return bool(given) and keeping and symbol not in self._exported and "." in symbol.rpartition(".")[0]

    def _given(self, symbol: str) -> Iterator[tuple[Facts, Sink]]:
        """Where instances of a class of the project go."""
        yield from self.spread.given(symbol)
        if self.symbols.is_class(symbol):
            yield from self.state.keepers.holding(symbol)

    def _used_up(self, symbol: str) -> bool:
        """Whether a package makes instances of a class that it does not export, and only to use and drop them."""
        dropped = symbol in self._short_lived and symbol not in self._exported and not any(self._given(symbol))
        return dropped and not self._kin_is_pickled(symbol)

    def _kin_is_pickled(self, symbol: str) -> bool:
        """Whether the files pickle an object that has a base in common with the class: then others of its kind may be.

        Tests show it as well as anything: they pickle what their package means to be pickled.
        """
        bases = (base for base, found in self.symbols.lineage(symbol) if found is not None)
        return any(not s.boundary.by_value and not s.held for base in bases for s in self.state.shipments.of(base))

    @cached_property
    def _short_lived(self) -> frozenset[str]:
        """Classes whose instances are all used and dropped by the function that makes them, as far as files show.

        Tests do so with what the users of a package are given, too: they are no evidence.
        """
        dropped, kept = set[str](), set[str]()
        for facts in self.files:
            lives = facts.short_lived
            dropped.update(() if is_test(facts) else map(self._real, lives.dropped))
            kept.update(map(self._real, lives.kept))
        return frozenset(dropped - kept)

    def _hands_on(self, facts: Facts, sink: Sink) -> bool:
        """Whether an object that goes there may be pickled: kept by what may be, returned by what others call."""
        if isinstance(sink, ToAttribute):
            return self.exposed(f"{facts.module}.{sink.cls}") and self.state.passes_on(facts, sink.cls, sink.attribute)
        if isinstance(sink, ToReturn):
            return _public(f"{facts.module}.{sink.function}")
        return any(self.spread.crossings(facts, [sink]))

    def held(self, facts: Facts, name: str) -> bool:
        """Whether others than its package may have instances of a class of the file."""
        return not packaged(facts) or self.exposed(f"{facts.module}.{name}")

    def inner(self, facts: Facts, name: str) -> bool:
        """Whether a class is one of a package's own parts: what others get is no instance of it, and holds none.

        Its name says so, or it is made, used and dropped by the package's own functions.
        """
        symbol = f"{facts.module}.{name}"
        part = not _public(symbol) or self._used_up(symbol)
        return part and packaged(facts) and not self.exposed(symbol)

    def kept_back(self, facts: Facts, name: str, instances: Iterable[Sink] | None) -> bool:
        """Whether nobody but its own file has instances of a type, by its module-level name and where instances go.

        None for these says that more is done with the type than to call it.
        """
        symbol = f"{facts.module}.{name}"
        if instances is None or not packaged(facts) or _public(symbol) or symbol in self._used | self._exported:
            return False
        return not any(self._gets_out(facts, sink) for sink in instances)

    def _gets_out(self, facts: Facts, sink: Sink) -> bool:
        if isinstance(sink, ToGlobal):
            return _public(sink.name) or f"{facts.module}.{sink.name}" in self._used
        if isinstance(sink, ToAttribute):
            return self._hands_on(facts, sink)
        return not isinstance(sink, ToCall) or not sink.callee.startswith("builtins.")

    def offered(self, facts: Facts, name: str) -> bool:
        """Whether a package has a use for a module-level name besides the file's own: it is in `__all__`, or imported.

        Of a module or script by itself everything may be of use.
        """
        if not packaged(facts):
            return True
        return name in (facts.exports or ()) or f"{facts.module}.{name}" in self._imported

    def internal(self, facts: Facts, name: str) -> bool:
        """Whether a module-level name is one of a package's own parts: it is private, or the package itself reads it.

        What is exported never is, and nothing in a module or script by itself.
        """
        symbol = f"{facts.module}.{name}"
        if not packaged(facts) or symbol in self._exported:
            return False
        private = name.startswith("_") or not _public(symbol)  # what Python asks a module for is not imported by name
        return private or symbol in self._used or _read_by_others(facts, name)

    def unread(self, facts: Facts, names: Collection[str]) -> bool:
        """Whether nothing of a package reads some module-level names of a file, but what defines them.

        A package that imports one to give it on does not read it.
        """
        wanted = {*names, *_BY_STRING}
        if any(wanted & set(s.reads) and not wanted & set(s.binds) for s in facts.statements):
            return False
        called = any(m.name in names and (m.sinks or m.results) for m in facts.mentions)
        return packaged(facts) and not called and not any(f"{facts.module}.{name}" in self._read for name in names)

    @cached_property
    def _read(self) -> frozenset[str]:
        """Symbols that a file takes from another by name to use them, or reads as an attribute of the other module."""
        taken = (i.target for f in self.files for i in f.imports if not i.whole and not _gives_on(f, i))
        return self._both(taken) | self._reached

    def passed_over(self, facts: Facts, name: str) -> bool:
        """Whether a package publishes other names of a module, and has no use for this one: nothing of it reads it."""
        symbol = f"{facts.module}.{name}"
        if not packaged(facts) or symbol in self._exported or facts.module not in self._publishing:
            return False
        return symbol not in self._used and not _read_by_others(facts, name)

    @cached_property
    def _publishing(self) -> frozenset[str]:
        """The modules of which a package exports something."""
        return frozenset(symbol.rpartition(".")[0] for symbol in self._exported)

    def handed_on(self, facts: Facts, bound: ToGlobal, sinks: Iterable[Sink]) -> bool:
        """Whether a function that a module-level name stands for may be kept or given away.

        What a package neither offers nor takes from its module nor stores nor returns is there to be called, where its
        name is private, where only the import of its module reads it, or nothing at all, or where it is bound under a
        condition: a stand-in for what a platform lacks. What is bound under a main guard nobody imports.
        """
        if any(s.kind == "guard" and bound.name in s.binds and s.span.line < bound.line for s in facts.statements):
            return False
        conditional = any(bound.name in s.binds and s.span.line < bound.line for s in facts.statements)
        read = any(bound.name in s.reads for s in facts.statements)
        internal = not _public(bound.name) or conditional or bound.at_import or not read
        lasting = any(isinstance(s, (ToAttribute, ToReturn)) for s in sinks)
        return (
            not internal or lasting or self.offered(facts, bound.name) or f"{facts.module}.{bound.name}" in self._taken
        )

    def by_value(self, facts: Facts) -> bool:
        """Whether a file works with what ships functions and classes by value, and with nothing that does not."""
        top, by_value = facts.module.partition(".")[0], self.catalogue.by_value_modules
        tops = {i.module.partition(".")[0] for i in facts.imports}
        return top in by_value or (bool(tops & by_value) and not tops & self.catalogue.by_name_modules)


def _read_by_others(facts: Facts, name: str) -> bool:
    """Whether other statements of the file than the one that defines it read a module-level name."""
    return any(name in s.reads and name not in s.binds for s in facts.statements)


def _gives_on(facts: Facts, fact: ImportFact) -> bool:
    """Whether a package imports a name at the top, and reads it nowhere."""
    return facts.package and fact.top and not any(fact.local in s.reads for s in facts.statements)


def _offers(facts: Facts, name: str) -> bool:
    """Whether a module has a name for others: it is in `__all__`, or public where there is no such list."""
    return _public(name) if facts.exports is None else name in facts.exports


def _public(symbol: str) -> bool:
    """Whether no part of a dotted name is private; dunder names are not."""
    return not any(part.startswith("_") and not part.endswith("__") for part in symbol.split("."))
