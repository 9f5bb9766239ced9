"""Which objects are one process's by nature: a fix to their state helps nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

from fixpickle.link.symbols import HIDING, Symbols
from fixpickle.survey.catalogue import Catalogue
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import ClassFacts, Facts, ToCall

_STREAMS = frozenset({"sys.stdin", "sys.stdout", "sys.stderr"})
# How the compiler of gRPC names the classes that a server calls: https://grpc.io/docs/languages/python/generated-code/
_SERVICER = re.compile(r"_pb2_grpc\.\w+Servicer$")

# What another process has no use for even where it could be made anew there; connections and executors are others.
_RUNNING = (
    *("threading.Thread()", "threading.Timer()", "multiprocessing.Process()", "subprocess.Popen()"),
    *("sched.", "asyncio.", "selectors.", "socketserver.", "http.server.", "apscheduler.", "gevent.", "eventlet."),
)
_CONTEXT = "multiprocessing.get_context()."


class Belonging:
    """Reads from classes what ties their instances to a process.

    `started` says whether instances of a class are handed to processes as these start, `later` names what the class, or
    one above it, sets only after its instances are pickled, and `kept` whether others keep instances of it. A class is
    `inherited` where no instances are made of it but those of classes below.
    """

    def __init__(
        self,
        files: Sequence[Facts],
        symbols: Symbols,
        catalogue: Catalogue,
        started: Callable[[str], bool],
        later: Callable[[Facts, str, ClassFacts], Collection[str]],
        kept: Callable[[Facts, str], bool],
        inherited: Callable[[str], bool],
    ) -> None:
        self.files, self.symbols, self.catalogue = files, symbols, catalogue
        self.started, self.later, self.kept, self.inherited = started, later, kept, inherited
        self._known: dict[str, str] = {}
        self._running: dict[str, bool] = {}

    def reason(self, facts: Facts, name: str, besides: Collection[str] = ()) -> str:
        """Why an instance of the class is one process's, or an empty string.

        What is kept in the attributes `besides` does not count, and what hooks of its own leave out. An instance that
        is handed to a process as it starts, and one that is itself a process, take along what these inherit.
        """
        if besides:
            return self._reason(facts, name, besides)
        symbol = f"{facts.module}.{name}"
        if symbol not in self._known:
            self._known[symbol] = ""  # ends circles
            self._known[symbol] = self._reason(facts, name, ()) or self._below(symbol)
        return self._known[symbol]

    def _below(self, symbol: str) -> str:
        """Why all that inherits from a class which is there for nothing else is one process's, as with a mixin's."""
        if not self.inherited(symbol):
            return ""
        below = [self.symbols.class_of(heir) for heir in self.symbols.children.get(symbol, ())]
        reasons = [self.reason(found[0], found[1].name) if found is not None else "" for found in below]
        return reasons[0] if reasons and all(reasons) else ""

    def _reason(self, facts: Facts, name: str, besides: Collection[str]) -> str:
        if top := self._display(facts):
            return f"its module drives a display ({top}), which belongs to one process"
        if maker := self._made_by(facts, name):
            return f"{maker} makes its instances in a process of their own, where they stay"
        starts = self.started(f"{facts.module}.{name}")
        for symbol, found in self.symbols.lineage(f"{facts.module}.{name}"):
            if self._bound_base(facts, name, symbol):
                return f"it is a {symbol}, which belongs to one process"
            if found is None:
                continue
            cls = found[1]
            if cls.coroutines and not starts:
                return f"{cls.name} is used by coroutines, so it belongs to an event loop"
            if cls.served:
                return f"other processes call its {min(cls.served)}, in the process that has it"
            if cls.running and not starts:
                return f"a thread of this process runs its {cls.running}, and nobody waits for that"
            attribute, value = self._bound_part(cls, starts, {*besides, *self.later(facts, name, cls)})
            if attribute:
                return f"it keeps a {value.removesuffix('()')} in self.{attribute}, which belongs to one process"
        return ""

    # --- what it is ---

    def _display(self, facts: Facts) -> str:
        """The toolkit that a module imports, or has from a module of the project that imports it for others."""
        for imported in facts.imports:
            if (top := imported.target.split(".")[0]) in self.catalogue.bound_modules:
                return top
            if top := self._toolkits.get(imported.target, ""):
                return top
        return ""

    @cached_property
    def _toolkits(self) -> dict[str, str]:
        """What modules of the project import of toolkits, by the names that others have it from them by."""
        return {
            f"{facts.module}.{i.local}": top
            for facts in self.files
            for i in reversed(facts.imports)  # the first of a name counts
            if (top := i.target.split(".")[0]) in self.catalogue.bound_modules
        }

    def _made_by(self, facts: Facts, name: str) -> str:
        """The decorator that has instances made elsewhere: what a class that Ray makes actors of sets, stays there."""
        decorators = self.catalogue.bound_decorators
        mention = next((m for m in facts.mentions if m.name == name), None) if decorators else None
        if mention is None:
            return ""
        above = (s.callee for s in mention.sinks if isinstance(s, ToCall) and s.line <= mention.line)
        return next((callee for callee in above if callee in decorators), "")

    def _bound_base(self, facts: Facts, name: str, base: str) -> bool:
        if _SERVICER.search(base):
            return True
        bound = base in self.catalogue.bound_bases - self.catalogue.started_bases
        return bound and not (base in PRIMITIVES and self.kept(facts, name))

    # --- what it keeps ---

    def _bound_part(self, cls: ClassFacts, starts: bool, besides: Collection[str]) -> tuple[str, str]:
        """An attribute of a class that holds what belongs to one process, and what that is; empty where none does."""
        left_out = cls.state.dropped if cls.state and cls.state.copies else ()
        inherited = self.catalogue.inherited_values if starts else ()
        for attribute, value in (*cls.attributes, *cls.parts):
            if attribute in besides or attribute in left_out or value in inherited:
                continue
            made = self.symbols.meaning(value).symbol if value.endswith("()") else ""
            if made not in inherited and self._bound_value(made.replace(_CONTEXT, "multiprocessing.")):
                return attribute, made
            if value in _STREAMS and (attribute, value) in cls.parts:
                return attribute, f"collection of {value} and the like"
        return "", ""

    def _bound_value(self, value: str) -> bool:
        return value in self.catalogue.bound_values or self._runs(value.removesuffix("()"))

    def _runs(self, symbol: str) -> bool:
        """Whether a class of the project is a thread, a server or the like, or keeps one that no hook makes anew."""
        if symbol not in self._running:
            self._running[symbol] = False  # ends circles
            found = self.symbols.class_of(symbol)
            self._running[symbol] = found is not None and self._runs_by_nature(*found)
        return self._running[symbol]

    def _runs_by_nature(self, facts: Facts, cls: ClassFacts) -> bool:
        lineage = list(self.symbols.lineage(f"{facts.module}.{cls.name}"))
        if any(symbol in self.catalogue.bound_bases - PRIMITIVES for symbol, _ in lineage):
            return True
        classes = [found[1] for _, found in lineage if found is not None]
        if any(HIDING & set(one.hooks) for one in classes):
            return False
        kept = (self.symbols.meaning(value).symbol for one in classes for _, value in one.attributes if "()" in value)
        return any(made.startswith(_RUNNING) or self._runs(made.removesuffix("()")) for made in kept)
