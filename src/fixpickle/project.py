"""Link: the facts of all files together, and which value reaches which boundary or lasting state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fixpickle.model import Evidence, Reach
from fixpickle.survey.catalogue import Boundary, Catalogue, catalogue
from fixpickle.survey.facts import (
    ClassFacts,
    Factory,
    Facts,
    ParameterFlow,
    Sink,
    ToAttribute,
    ToCall,
    ToGlobal,
    ToParameter,
    ToReturn,
)

# Hooks that decide what of an instance is pickled; `__setstate__` or `__deepcopy__` alone decide nothing.
HIDING = frozenset({"__getstate__", "__reduce__", "__reduce_ex__"})
_DEPTH = 6  # functions that pass a parameter on to functions


@dataclass(frozen=True, slots=True)
class Crossing:
    """A boundary that a value reaches, and the steps that lead there."""

    boundary: Boundary
    chain: tuple[str, ...]


class Project:
    """Every file's facts, and the questions that need more than one of them."""

    def __init__(self, facts: Iterable[Facts]) -> None:
        self.files: Sequence[Facts] = tuple(sorted(facts, key=lambda f: f.path))
        self.catalogue: Catalogue = catalogue()

    # --- indexes ---

    @cached_property
    def _parameters(self) -> dict[str, list[tuple[Facts, ParameterFlow]]]:
        table: dict[str, list[tuple[Facts, ParameterFlow]]] = {}
        for facts in self.files:
            for flow in facts.parameters:
                table.setdefault(f"{facts.module}.{flow.function}", []).append((facts, flow))
        return table

    @cached_property
    def _classes(self) -> dict[str, tuple[Facts, ClassFacts]]:
        return {f"{facts.module}.{c.name}": (facts, c) for facts in self.files for c in facts.classes}

    @cached_property
    def _exports(self) -> dict[str, str]:
        """Names that a module's imports bind, so that `pkg.Name` leads to `pkg.sub.Name`."""
        return {f"{f.module}.{i.local}": i.target for f in self.files for i in f.imports if i.top and not i.whole}

    @cached_property
    def decorators(self) -> frozenset[str]:
        """Symbolic names that are used as decorators, or called in a class body, anywhere in the project."""
        return frozenset(self.real(d) for f in self.files for d in f.decorators if d)

    @cached_property
    def _factories(self) -> dict[str, Factory]:
        return {f"{facts.module}.{f.name}": f for facts in self.files for f in facts.factories}

    def factory(self, symbol: str) -> Factory | None:
        """The project's function of that name, where it always returns one function of its own."""
        return self._factories.get(self.real(symbol))

    def decorated(self, symbol: str) -> tuple[str, ...]:
        """The module-level functions of the project that are decorated with that symbol."""
        wanted = self.real(symbol)
        return tuple(
            f"{facts.module}.{mention.name}"
            for facts in self.files
            for mention in facts.mentions
            if any(isinstance(s, ToCall) and s.decorates and self.real(s.callee) == wanted for s in mention.sinks)
        )

    @cached_property
    def _named_results(self) -> frozenset[str]:
        """Symbolic names of functions whose results are bound to module-level names somewhere in the project."""
        return frozenset(self.real(c.callee) for f in self.files for c in f.bound_calls if c.callee)

    def real(self, symbol: str) -> str:
        """The symbol behind re-exports."""
        for _ in range(_DEPTH):
            if symbol not in self._exports or self._exports[symbol] == symbol:
                break
            symbol = self._exports[symbol]
        return symbol

    def names_read(self, symbol: str) -> str:
        """Where the module of a function or class of the project reads the names of what it is given, if anywhere."""
        parts = self.real(symbol).split(".")
        for end in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:end])
            if module in self._names_read:
                line = self._names_read[module]
                return f"{module}, line {line}" if line else ""
        return ""

    @cached_property
    def _names_read(self) -> dict[str, int]:
        return {facts.module: facts.names_read for facts in self.files}

    def class_of(self, symbol: str) -> ClassFacts | None:
        """The project's class of that symbolic name."""
        found = self._classes.get(self.real(symbol))
        return found[1] if found else None

    def lineage(self, facts: Facts, name: str) -> Iterator[tuple[str, ClassFacts | None]]:
        """A class of `facts` and its ancestors as symbolic names, with their facts where the project has them."""
        pending, seen = [f"{facts.module}.{name}"], set[str]()
        while pending:
            symbol = self.real(pending.pop(0))
            if symbol in seen:
                continue
            seen.add(symbol)
            found = self.class_of(symbol)
            yield symbol, found
            if found is not None:
                pending += [b for b in found.bases if b]

    # --- state ---

    def process_bound(self, facts: Facts, name: str) -> str:
        """Why an instance of the class is one process's by nature, or an empty string."""
        for imported in facts.imports:
            if (top := imported.target.split(".")[0]) in self.catalogue.bound_modules:
                return f"its module drives a display ({top}), which belongs to one process"
        for symbol, found in self.lineage(facts, name):
            if symbol in self.catalogue.bound_bases:
                return f"it is a {symbol}, which belongs to one process"
            if found is not None and found.coroutines:
                return f"{found.name} has coroutine methods, so it belongs to an event loop"
            for attribute, value in found.attributes if found else ():
                if value in self.catalogue.bound_values or self._made_bound(value):
                    return f"it keeps a {value.removesuffix('()')} in self.{attribute}, which belongs to one process"
        return ""

    def _made_bound(self, value: str) -> bool:
        """Whether an attribute holds an instance of a project's class that is a thread, server or the like."""
        found = self._classes.get(self.real(value.removesuffix("()"))) if value.endswith("()") else None
        if found is None:
            return False
        return any(symbol in self.catalogue.bound_bases for symbol, _ in self.lineage(found[0], found[1].name))

    def hooked(self, facts: Facts, name: str) -> str:
        """The pickling hook that the class or an ancestor of it in the project defines, or an empty string."""
        for _, found in self.lineage(facts, name):
            if found is not None and (hooks := HIDING & set(found.hooks)):
                return f"{found.name}.{min(hooks)}"
        return ""

    def carries(self, facts: Facts, name: str) -> bool:
        """Whether instances of the class carry their attributes along when pickled, and can be pickled at all."""
        return not self.process_bound(facts, name) and not self.hooked(facts, name)

    # --- reach ---

    def crossings(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[Crossing]:
        """Every boundary that a value with these sinks reaches, through functions of the project too."""
        for _, sink, chain in self._spread(facts, sinks):
            if isinstance(sink, ToCall) and (boundary := self._boundary(sink)) is not None:
                yield Crossing(boundary, (*chain, f"passed to {boundary.name} at line {sink.line}"))

    def _boundary(self, sink: ToCall) -> Boundary | None:
        return self.catalogue.match(sink) or self.catalogue.match(replace(sink, callee=self.real(sink.callee)))

    def kept(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[tuple[str, ...]]:
        """The ways in which instances carry a value with these sinks along, as chains of steps."""
        for owner, sink, chain in self._spread(facts, sinks):
            if isinstance(sink, ToAttribute) and self.carries(owner, sink.cls):
                yield (*chain, f"stored on self.{sink.attribute} of {sink.cls} at line {sink.line}")

    def _spread(self, facts: Facts, sinks: Iterable[Sink]) -> Iterator[tuple[Facts, Sink, tuple[str, ...]]]:
        """Sinks, and those of every parameter they lead to, nearest first, each parameter once; with their steps."""
        seen: set[tuple[str, str, str]] = set()
        pending: list[tuple[Facts, Sink, tuple[str, ...]]] = [(facts, s, ()) for s in sinks]
        for owner, sink, chain in pending:
            yield owner, sink, chain
            if len(chain) >= _DEPTH:
                continue
            for step, inner, flow in self._onward(owner, sink):
                if (key := (inner.module, flow.function, flow.parameter)) not in seen:
                    seen.add(key)
                    pending += [(inner, s, (*chain, step)) for s in flow.sinks]

    def _onward(self, facts: Facts, sink: Sink) -> Iterator[tuple[str, Facts, ParameterFlow]]:
        """The parameters of the project's functions that a sink leads to; a class is called by its own name."""
        if isinstance(sink, ToParameter):
            for owner, flow in self._parameters.get(f"{facts.module}.{sink.function}", ()):
                if flow.parameter == sink.parameter:
                    yield f"default of {sink.parameter} in {sink.function}", owner, flow
        elif isinstance(sink, ToCall) and self._boundary(sink) is None:
            symbol = self.real(sink.callee)
            made = f"{symbol}.__init__"
            for name in (symbol, made) if self._escapes(facts, sink) else (symbol,):
                for owner, flow in self._parameters.get(name, ()):
                    at = flow.position == sink.position if sink.position >= 0 else flow.parameter == sink.keyword
                    if at:
                        yield f"passed to {symbol.rpartition('.')[2]} at line {sink.line}", owner, flow

    def _escapes(self, facts: Facts, sink: ToCall) -> bool:
        """Whether the result of a call outlives the function that makes it: it is stored, returned, or crosses."""
        for onward in sink.onward:
            if isinstance(onward, (ToAttribute, ToGlobal)) or (
                isinstance(onward, ToReturn) and self._result_kept(facts, onward, methods=True)
            ):
                return True
            if isinstance(onward, ToCall) and self.catalogue.match(onward) is not None:
                return True
        return False

    def reach(self, facts: Facts, sinks: Sequence[Sink]) -> Reach | None:
        """The strongest reason to believe that plain pickle meets a value with these sinks, or None."""
        crossing = next((c for c in self.crossings(facts, sinks) if not c.boundary.by_value), None)
        if crossing is not None:
            return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler)
        if is_test(facts):
            return None  # what tests keep on their objects ends with the test
        chain = next(self.kept(facts, sinks), None)
        if chain is not None:
            return Reach(Evidence.STATE, chain)
        for sink in sinks:
            if isinstance(sink, ToGlobal) and sink.direct:
                return Reach(Evidence.STATE, (f"bound to the module's name {sink.name}",))
            if isinstance(sink, ToReturn) and self._result_kept(facts, sink):
                return Reach(Evidence.STATE, (f"returned by {sink.function} at line {sink.line}",))
        return None

    def _result_kept(self, facts: Facts, sink: ToReturn, methods: bool = False) -> bool:
        """Whether what a function returns may be kept: the function is public, or its result is passed on in its file.

        Not where it decorates or makes a function that the module has a name for, which may be asked for its
        `__name__`; and not from inner functions. The callable that a method returns serves its own callers,
        so methods count only where they return an object.
        """
        name = sink.function
        symbol = self.real(f"{facts.module}.{name}")
        if "<locals>" in name or symbol in self.decorators or symbol in self._named_results:
            return False
        if "." in name:
            return methods
        public = not name.startswith("_") if facts.exports is None else name in facts.exports
        results = next((m.results for m in facts.mentions if m.name == name), ())
        return public or any(isinstance(s, (ToAttribute, ToReturn)) for s in results)


def is_test(facts: Facts) -> bool:
    """Whether a module is a test, by the names that test runners go by."""
    parts = facts.module.split(".")
    name = parts[-1]
    return (
        bool({"tests", "test"} & set(parts)) or name.startswith("test_") or name.endswith("_test") or name == "conftest"
    )
