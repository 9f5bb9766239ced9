"""What instances of a class carry along when they are pickled, and why some are not to be pickled at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fixpickle.link.belonging import Belonging
from fixpickle.link.files import is_test, packaged
from fixpickle.link.keepers import Keepers
from fixpickle.link.shipments import Shipments
from fixpickle.link.spread import Spread
from fixpickle.link.symbols import HIDING, Symbols
from fixpickle.survey.facts import ClassFacts, Facts


class State:
    """Reads from every file what hooks of classes leave out, and what their attributes hold.

    It asks its `keepers` and `shipments` where instances go, and they ask it what goes along.
    """

    def __init__(self, files: Sequence[Facts], symbols: Symbols, spread: Spread) -> None:
        self.symbols, self.spread, self.catalogue = symbols, spread, spread.catalogue
        self.keepers = Keepers(files, symbols, self.passes_on)
        self.shipments = Shipments(files, symbols, spread, self.left_out)
        self._belonging = Belonging(
            files,
            symbols,
            spread.catalogue,
            started=self._handed_to_starting,
            later=self._set_once_started,
            kept=self.keepers.keep_some,
            inherited=self.only_inherited,
        )

    def _classes(self, facts: Facts, name: str) -> Iterator[ClassFacts]:
        """A class of `facts` and those of its ancestors that the project has."""
        return (found[1] for _, found in self.symbols.lineage(f"{facts.module}.{name}") if found is not None)

    # --- one process's own ---

    def process_bound(self, facts: Facts, name: str, besides: Collection[str] = ()) -> str:
        """Why an instance of the class is one process's by nature, or an empty string; see `link.belonging`.

        What is kept in the attributes `besides` does not count, and what hooks of its own leave out.
        """
        return self._belonging.reason(facts, name, besides)

    def _handed_to_starting(self, symbol: str) -> bool:
        """Whether instances are handed to processes as they are started, which inherit what nobody else can be sent."""
        return any(shipment.boundary.starts for shipment in self.shipments.of(symbol))

    # --- left as it is ---

    def left_alone(self, facts: Facts, name: str, attribute: str) -> str:
        """Why instances of the class are not to be made picklable, by what its attribute holds; or an empty string."""
        for cls in self._classes(facts, name):
            if cls.refusing:
                return f"{cls.name}.{cls.refusing} raises on purpose: its instances are not to be pickled"
            if HIDING & set(cls.hooks):
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
            symbols += [c for c in self.symbols.children.get(symbol, ()) if c not in symbols]
        below = [found[1] for symbol in symbols[1:] if (found := self.symbols.class_of(symbol)) is not None]
        for cls in (*self._classes(facts, name), *below):
            for attribute in cls.keyed_by_id:
                if not self.hooked(facts, name, attribute):
                    return f"self.{attribute} of {cls.name} is keyed by id(), which means nothing in another process"
        return ""

    # --- carried along ---

    def hooked(self, facts: Facts, name: str, attribute: str) -> str:
        """The pickling hook, of the class or an ancestor in the project, that may keep the attribute back, or ""."""
        for cls in self._classes(facts, name):
            hooks = HIDING & frozenset(cls.hooks)
            if hooks and not _hands_on(cls, hooks, attribute):
                return f"{cls.name}.{min(hooks)}"
        return ""

    def hides(self, symbol: str, attribute: str) -> bool:
        """Whether such a hook may keep the attribute back for a class of the project, by its symbolic name."""
        found = self.symbols.class_of(symbol)
        return found is not None and bool(self.hooked(found[0], found[1].name, attribute))

    def carries(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class carry that attribute along when pickled, and can be pickled at all."""
        return not self.process_bound(facts, name) and not self.left_out(facts, name, attribute)

    def passes_on(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether they carry it along to others than tests: what tests keep on their objects ends with the test."""
        return not is_test(facts) and self.carries(facts, name, attribute)

    def left_out(self, facts: Facts, name: str, attribute: str) -> bool:
        """Whether instances of the class are pickled without the attribute, or may be: by a hook, or set later."""
        symbol = f"{facts.module}.{name}"
        found = self.symbols.class_of(symbol)
        later = self._set_once_started(facts, name, found[1]) if found is not None else ()
        below = packaged(facts) and self._hidden_below(symbol, attribute)
        return attribute in later or below or bool(self.hooked(facts, name, attribute))

    def _hidden_below(self, symbol: str, attribute: str) -> bool:
        """Whether a class has no instances of its own, and all that inherit from it have hooks, as of a mixin.

        Those hooks may keep the attribute back.
        """
        heirs = self.symbols.children.get(symbol, ())
        return self.only_inherited(symbol) and all(
            self.hides(heir, attribute) or self._hidden_below(heir, attribute) for heir in heirs
        )

    def only_inherited(self, symbol: str) -> bool:
        """Whether a class is there to be inherited from: others do, and no instance of its own goes anywhere."""
        return bool(self.symbols.children.get(symbol)) and symbol not in self.spread.made.makers

    def _set_once_started(self, facts: Facts, name: str, cls: ClassFacts) -> Collection[str]:
        """What `cls`, the class or one above it, sets only after instances are pickled: where these are processes.

        Of an object that is handed to a process it is not known whether it is set before that.
        """
        if not cls.set_later:
            return ()
        line = self.symbols.lineage(f"{facts.module}.{name}")
        return cls.set_later if any(symbol in self.catalogue.started_bases for symbol, _ in line) else ()


def _hands_on(cls: ClassFacts, hooks: frozenset[str], attribute: str) -> bool:
    """Whether a class' only hook names the attribute in what it gives, or is a `__getstate__` that copies all."""
    state = cls.state
    if attribute in cls.stated:
        return True
    return hooks == {"__getstate__"} and state is not None and state.copies and attribute not in state.dropped
