"""What symbolic names stand for, through the aliases, functions and classes of the project's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from sys import intern

from fixpickle.survey.catalogue import Catalogue
from fixpickle.survey.facts import ClassFacts, Facts, ToCall

Literals = tuple[tuple[str, str], ...]
_NOTHING: dict[str, str | Meaning] = {}

# Hooks that decide what of an instance is pickled; `__setstate__` or `__deepcopy__` alone decide nothing.
HIDING = frozenset({"__getstate__", "__reduce__", "__reduce_ex__"})

_ABOVE = 3  # folders above an import root that an import may lead through
_LONGEST = 20  # parts of a name: an attribute that is made of itself, as `self.next = self.next.next`, has no end


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a symbolic name stands for, and the constants it was made with on the way, as in `ToCall.literals`."""

    symbol: str
    literals: Literals = ()


@dataclass(frozen=True, slots=True)
class Handed:
    """What parameters stand for, by symbolic names as `m.run[pool]`, and the module and line of calls that say so."""

    meanings: Mapping[str, Meaning]
    calls: frozenset[tuple[str, int, str]]


_NOBODY = Handed({}, frozenset())


class Symbols:
    """Follows symbolic names over files."""

    def __init__(self, files: Sequence[Facts], catalogue: Catalogue, handed: Handed = _NOBODY) -> None:
        self.files = files
        self.catalogue = catalogue
        self._handed = handed
        self._known: dict[str, Meaning | None] = {}  # None for what stands for itself, as most does

    def knowing(self, handed: Handed) -> Symbols:
        """The same symbols, where parameters stand for what callers hand in."""
        return Symbols(self.files, self.catalogue, handed) if handed.meanings else self

    # --- indexes ---

    @cached_property
    def _bindings(self) -> tuple[dict[str, dict[str, str | Meaning]], dict[str, list[str]]]:
        """Aliases by module and name, which takes less room than dotted names; and what modules import the names of."""
        aliases: dict[str, dict[str, str | Meaning]] = {}
        stars: dict[str, list[str]] = {}
        for facts in self.files:
            for alias in facts.aliases:
                made = Meaning(alias.symbol, alias.literals) if alias.literals else intern(alias.symbol)
                aliases.setdefault(facts.module, {})[intern(alias.name)] = made
                if alias.name == "*" and not alias.symbol.endswith("*"):
                    stars.setdefault(facts.module, []).append(alias.symbol)
        return aliases, stars

    def _alias(self, name: str) -> Meaning | None:
        """What a name of a module, or a parameter, stands for; a module of the project stands for itself."""
        if name in self._handed.meanings:
            return self._handed.meanings[name]
        module, _, last = name.rpartition(".")
        found = self._bindings[0].get(module, _NOTHING).get(last)
        if found is None or name in self._modules:
            return None
        meaning = Meaning(found) if isinstance(found, str) else found
        # `import a.b` binds a, which stands for itself: following it would lead nowhere.
        return meaning if meaning.symbol != name else None

    @cached_property
    def _returned(self) -> dict[str, Meaning]:
        return {
            intern(f"{f.module}.{r.function}"): Meaning(intern(r.symbol), r.literals)
            for f in self.files
            for r in f.returned
        }

    @cached_property
    def _classes(self) -> dict[str, tuple[Facts, ClassFacts]]:
        return {intern(f"{f.module}.{c.name}"): (f, c) for f in self.files for c in f.classes}

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """The classes of the project that name a class among their bases, by its symbolic name."""
        table: dict[str, list[str]] = {}
        for facts in self.files:
            for cls in facts.classes:
                for base in {self.meaning(b).symbol for b in cls.bases if b}:
                    table.setdefault(base, []).append(intern(f"{facts.module}.{cls.name}"))
        return {base: tuple(heirs) for base, heirs in table.items()}

    @cached_property
    def heirs(self) -> dict[str, list[tuple[Facts, ClassFacts]]]:
        """The classes of the project that inherit from a class, over however many steps, by its symbolic name."""
        table: dict[str, list[tuple[Facts, ClassFacts]]] = {}
        for facts in self.files:
            for cls in facts.classes:
                own = f"{facts.module}.{cls.name}"
                for symbol, _ in self.lineage(own):
                    if symbol != own:
                        table.setdefault(symbol, []).append((facts, cls))
        return table

    @cached_property
    def _decorated(self) -> dict[str, Meaning]:
        """Functions and classes that a decorator turns into the receiver of a boundary."""
        table: dict[str, Meaning] = {}
        for facts in self.files:
            for mention in facts.mentions:
                for sink in mention.sinks:
                    # A decorator says what the name stands for; the same call elsewhere gives another object.
                    if isinstance(sink, ToCall) and sink.line <= mention.line and sink.position == 0:
                        maker = self.meaning(sink.callee)
                        receiver = self.catalogue.receiver_by_decorator(maker.symbol)
                        if receiver:
                            known = (*sink.literals, *maker.literals)
                            table[f"{facts.module}.{mention.name}"] = Meaning(f"<{receiver}>", known)
        return table

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(f.module.partition(".")[0] for f in self.files)

    # --- questions ---

    def meaning(self, symbol: str) -> Meaning:
        """What the symbol stands for, as far as the project tells."""
        if symbol in self._known:
            return self._known[symbol] or Meaning(symbol)
        if symbol.count(".") > _LONGEST or self.foreign(symbol):
            return Meaning(symbol)
        self._known[symbol] = None  # ends circles
        meaning = self._meaning(symbol)
        if meaning.symbol != symbol or meaning.literals:
            self._known[symbol] = meaning
        return meaning

    def foreign(self, symbol: str) -> bool:
        """Whether a symbolic name can have nothing to do with the project, and so stands for itself."""
        top = symbol.partition(".")[0].partition("()")[0]
        return top not in self._tops and top not in self._folders

    def is_class(self, symbol: str) -> bool:
        """Whether a class of the project has that very name, and not only through aliases."""
        return symbol in self._classes

    def class_of(self, symbol: str) -> tuple[Facts, ClassFacts] | None:
        """The project's class of that symbolic name, and the file it stands in."""
        return self._classes.get(symbol) or self._classes.get(self.meaning(symbol).symbol)

    def lineage(self, symbol: str) -> Iterator[tuple[str, tuple[Facts, ClassFacts] | None]]:
        """A class and its ancestors as symbolic names, with their facts where the project has them."""
        pending, seen = [symbol], set[str]()
        for name in pending:
            found = self.class_of(name)
            real = f"{found[0].module}.{found[1].name}" if found else self.meaning(name).symbol
            if real not in seen:
                seen.add(real)
                yield real, found
                pending += [b for b in found[1].bases if b] if found else []

    def descends(self, symbol: str, ancestor: str) -> bool:
        """Whether a class is the class of that symbolic name, or inherits from it."""
        return any(one == ancestor for one, _ in self.lineage(symbol))

    def constructor(self, symbol: str) -> str:
        """The `__init__` that making an instance of a class of the project runs; the class itself where it has none."""
        for name, found in self.lineage(symbol):
            if found is not None and "__init__" in found[1].methods:
                return f"{name}.__init__"
        return symbol

    def received(self, symbol: str) -> Meaning:
        """What the symbol stands for, a function of the project as the receiver that its decorator makes of it."""
        at = self.meaning(symbol)
        head, call, rest = at.symbol.partition("()")
        words = head.split(".") if self._decorated else []
        for count in range(len(words), 0, -1):
            found = self._decorated.get(".".join(words[:count]))
            if found is not None:
                made = ".".join([found.symbol, *words[count:]])
                return Meaning(f"{made}{call}{rest}", (*at.literals, *found.literals))
        return at

    def agrees(self, callee: str, function: str, facts: Facts, line: int) -> bool:
        """Whether a call of `function` hands in what `callee`, in that function, is said to be by its parameter."""
        name = callee[: callee.find("]") + 1]
        return not name.startswith(f"{function}[") or (facts.module, line, name) in self._handed.calls

    # --- how ---

    def _meaning(self, symbol: str) -> Meaning:
        head, *rest = symbol.split("()")
        head = self._found_below(head)
        if head.partition(".")[0] not in self._tops:
            return Meaning("()".join([head, *rest]))
        at = self._dotted(head)
        for part in rest:
            at = self._called(at)
            for attribute in part.split(".")[1:]:
                at = self._member(at, attribute)
        return at

    def _found_below(self, name: str) -> str:
        """A dotted name by the name its module has here, where a folder without `__init__.py` is imported from."""
        if name.partition(".")[0] not in self._folders:
            return name
        words = name.split(".")
        for count in range(len(words), 1, -1):
            module = self._by_folder.get(".".join(words[:count]))
            if module is not None:
                return ".".join([module, *words[count:]])
        return name

    @cached_property
    def _by_folder(self) -> dict[str, str]:
        """Modules of the project by names that lead through folders above their import roots, where a file uses them.

        Only names that one module alone can have, which no other module shares its own name with.
        """
        own = Counter(f.module for f in self.files)
        used = {name for f in self.files for i in f.imports for name in (i.module, i.target)} - set(own)
        found: dict[str, list[str]] = {}
        for facts in self.files:
            above = facts.root.parts[-_ABOVE:] if own[facts.module] == 1 else ()
            for start in range(len(above)):
                name = ".".join([*above[start:], facts.module])
                if name in used:
                    found.setdefault(name, []).append(facts.module)
        return {name: modules[0] for name, modules in found.items() if len(modules) == 1}

    @cached_property
    def above(self) -> frozenset[Path]:
        """The folders that must be on `sys.path` for such names, besides the import roots."""
        roots = {f.module: f.root for f in self.files if f.module in self._by_folder.values()}
        deep = ((roots[own], name.count(".") - own.count(".")) for name, own in self._by_folder.items())
        return frozenset(root.parents[depth - 1] for root, depth in deep)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self._by_folder)

    def _dotted(self, name: str) -> Meaning:
        """A dotted name without calls: a module's name may be an alias, and what follows a member of that."""
        words = name.split(".")
        for count in range(len(words), 0, -1):
            prefix = ".".join(words[:count])
            alias = self._alias(prefix) or self._starred(prefix)
            if alias is not None:
                return self._on(self._seen_through(alias), words[count:])
            if prefix in self._classes or prefix in self._returned:
                return self._on(Meaning(prefix), words[count:])
        return Meaning(name)

    def _on(self, at: Meaning, attributes: Sequence[str]) -> Meaning:
        for attribute in attributes:
            at = self._member(at, attribute)
        return at

    def _starred(self, name: str) -> Meaning | None:
        """The name behind `from module import *`, where exactly one such module has it, as far as that is known."""
        module, _, last = name.rpartition(".")
        own = last.startswith("_") or last in self._own.get(module, ())
        brought = [f"{source}.{last}" for source in self._stars.get(module, ())] if not own else []
        elsewhere = [symbol for symbol in brought if not self._is_module(symbol.rpartition(".")[0])]
        known = [symbol for symbol in elsewhere if self.catalogue.knows(symbol)]
        found = [symbol for symbol in brought if symbol in self._bound] or known or elsewhere
        return Meaning(found[0]) if len(found) == 1 else None

    def _is_module(self, name: str) -> bool:
        return self._found_below(name) in self._modules

    @cached_property
    def _modules(self) -> frozenset[str]:
        return frozenset(f.module for f in self.files)

    @property
    def _stars(self) -> dict[str, list[str]]:
        return self._bindings[1]

    @cached_property
    def _own(self) -> dict[str, frozenset[str]]:
        """The names that modules with a star import bind themselves."""
        return {
            f.module: frozenset(n for s in f.statements for n in s.binds) for f in self.files if f.module in self._stars
        }

    @cached_property
    def _bound(self) -> frozenset[str]:
        """What star imports bring along, as far as it can be told without running them."""
        return frozenset(
            f"{f.module}.{name}"
            for f in self.files
            for statement in (f.statements if f.module in self._star_sources else ())
            for name in statement.binds
            if (name in f.exports if f.exports is not None else not name.startswith("_"))
        )

    @cached_property
    def _star_sources(self) -> frozenset[str]:
        return frozenset(module for modules in self._stars.values() for module in modules)

    def _seen_through(self, at: Meaning) -> Meaning:
        further = self.meaning(at.symbol)
        return Meaning(further.symbol, (*further.literals, *at.literals))

    def _called(self, at: Meaning) -> Meaning:
        given = self._returned.get(at.symbol)
        if given is None:
            return Meaning(f"{at.symbol}()", at.literals)
        further = self._seen_through(given)
        return Meaning(further.symbol, (*at.literals, *further.literals))

    def _member(self, at: Meaning, attribute: str) -> Meaning:
        if not at.symbol.endswith("()"):
            return Meaning(f"{at.symbol}.{attribute}", at.literals)
        for symbol, found in self.lineage(at.symbol[:-2]):
            if found is None:
                return Meaning(f"{symbol}().{attribute}", at.literals)
            cls = found[1]
            if attribute in cls.properties:
                return self._called(Meaning(f"{symbol}.{attribute}"))
            if attribute in cls.methods:
                return Meaning(f"{symbol}.{attribute}", at.literals)
            values = {s for a, s in cls.attributes if a == attribute} or {s for a, s in cls.declared if a == attribute}
            if values:
                return self._seen_through(Meaning(values.pop())) if len(values) == 1 else Meaning("")
        return Meaning(f"{at.symbol}.{attribute}", at.literals)
