"""Which flaws of a class' hooks do harm, once its bases are known: how each is told, and why one cannot be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.layout import is_plain, layout
from fixpickle.model import Evidence, Reach
from fixpickle.project import Project, is_test
from fixpickle.survey.facts import ClassFacts, Facts, Flaw, Harm

_LOCAL = "<locals>"
_BUILT = frozenset(
    ("builtins.dict", "builtins.list", "builtins.set", "builtins.object")
    + ("collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque")
    + ("collections.UserDict", "collections.UserList")
)
_TAKING = frozenset({"__setstate__", "__reduce__", "__reduce_ex__", "__new__", "__getattribute__"})
_REDUCING = frozenset({"__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__"})
_HOOKS = frozenset({"__getstate__", "__setstate__"}) | _REDUCING
_PLAIN_SHAPES = frozenset({"", "metaclass abc.ABCMeta", "metaclass builtins.type"})
_UNPICKLABLE = (
    *("threading.", "_thread.", "queue.", "socket.", "ssl.", "builtins.open", "io.open", "sqlite3.", "weakref."),
    *("concurrent.futures.", "multiprocessing.", "subprocess.", "tempfile.", "asyncio.", "mmap.", "select."),
)
_STATE_HOOKS = frozenset({Harm.SILENT, Harm.DAMAGE, Harm.FORGOTTEN, Harm.PASSED_OVER, Harm.SLOTS})


@dataclass(frozen=True, slots=True)
class Judged:
    """A flaw that does harm. `reason` says why it cannot be mended, and is empty where it can."""

    cls: ClassFacts
    flaw: Flaw
    message: str
    reach: Reach
    reason: str


@dataclass(frozen=True, slots=True)
class _Family:
    """A class, and its ancestors nearest first: those of the project, and the symbols of all others."""

    own: ClassFacts
    bases: Sequence[ClassFacts]
    unknown: bool

    def member(self, names: Sequence[str]) -> str:
        """The first of the names that a class of the family binds in its body, or ""."""
        return next((n for n in names for c in (self.own, *self.bases) if n in c.members), "")


def judged(project: Project, facts: Facts) -> Iterator[Judged]:
    """Every flaw of the file's classes that harms what is pickled."""
    for cls in facts.classes:
        for flaw in cls.flaws:
            if _LOCAL in cls.name or is_test(facts):
                continue
            family = _family(project, facts, cls)
            reason = _harmful(project, facts, family, flaw)
            reach = _reach(project, facts, cls, flaw) if reason is not None else None
            if reach is not None and reason is not None:
                yield Judged(cls, flaw, _message(family, flaw), reach, flaw.reason or reason)


def _family(project: Project, facts: Facts, cls: ClassFacts) -> _Family:
    lineage = list(project.lineage(facts, cls.name))[1:]
    bases = [found for _, found in lineage if found is not None]
    outside = any(found is None and not is_plain(s) and s not in _BUILT for s, found in lineage)
    return _Family(cls, bases, outside or any("" in c.bases for c in (cls, *bases)))


# --- evidence -------------------------------------------------------------------------------------------------------


def _reach(project: Project, facts: Facts, cls: ClassFacts, flaw: Flaw) -> Reach | None:
    """A class with state hooks says that it is pickled; of others, only what may be kept by others counts."""
    carrier = f"{facts.module}:{cls.name}"
    if flaw.harm in _STATE_HOOKS:
        return Reach(Evidence.STATE, (f"its {flaw.method} says that {cls.name} is pickled",), carrier=carrier)
    if project.process_bound(facts, cls.name):
        return None
    results = next((m.results for m in facts.mentions if m.name == cls.name), ())
    crossing = next(project.crossings(facts, results), None)
    if crossing is not None:
        return Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler, carrier)
    kept = next((k for k in project.kept(facts, results) if k.lasting), None)
    if kept is not None:
        return Reach(Evidence.STATE, kept.chain, carrier=carrier)
    private = any(part.startswith("_") for part in cls.name.split(".")) or project.exposure.inner(facts, cls.name)
    words = f"{cls.name} is public: others may keep its instances"
    evidence = Evidence.ANY if project.copied(facts) else Evidence.STATE  # a copy is mended where it comes from
    return Reach(evidence, (words,), carrier=carrier) if not private else None


def _message(family: _Family, flaw: Flaw) -> str:
    where = f"{family.own.name}.{flaw.method}"
    if flaw.harm is Harm.PASSED_OVER:
        makes = flaw.method == "__getstate__"
        base = next(b for b in family.bases if b.state is not None and (b.state.makes if makes else b.state.takes))
        return f"{where} {flaw.harm.value}: {base.name}.{flaw.method}"
    if flaw.harm is Harm.ANSWERING:
        return f"{where} {flaw.harm.value}: {flaw.code}"
    if flaw.harm in (Harm.SILENT, Harm.SLOTS, Harm.ARGUMENTS):
        return f"{where} {flaw.harm.value}"
    if flaw.harm is Harm.ITEMS:
        return f"{family.own.name} {flaw.harm.value}, and {flaw.method} reads self.{flaw.names[0]}"
    return f"{where} {flaw.harm.value}: {', '.join(flaw.names)}"


# --- harm: None where there is none, else why it cannot be mended, or "" --------------------------------------------


def _harmful(project: Project, facts: Facts, family: _Family, flaw: Flaw) -> str | None:
    match flaw.harm:
        case Harm.SILENT:
            return ""
        case Harm.DAMAGE:
            return _damaging(family, flaw)
        case Harm.FORGOTTEN:
            return _forgotten(project, facts, family, flaw)
        case Harm.PASSED_OVER:
            return _passed_over(family, flaw)
        case Harm.SLOTS:
            return _slots(family)
        case Harm.ENDLESS | Harm.ANSWERING:
            below = _provided_below(project, f"{facts.module}.{family.own.name}", flaw)
            return None if below else _looked_up(family, flaw)
        case Harm.ARGUMENTS | Harm.ITEMS:
            return _container(project, facts, family, flaw)


def _damaging(family: _Family, flaw: Flaw) -> str | None:
    """Not where an attribute may be more than a key of the dictionary: a property, a slot, a module of torch."""
    every = (family.own, *family.bases)
    described = family.member(flaw.names) or {s for c in every for s in c.slots or ()} & set(flaw.names)
    hidden = flaw.code.endswith(" set") and (family.unknown or any(c.guarded for c in every))
    return None if described or hidden else ""


def _forgotten(project: Project, facts: Facts, family: _Family, flaw: Flaw) -> str | None:
    if family.unknown or family.member((*flaw.names, "__getattr__", "__getattribute__")):
        return None
    for base in family.bases:
        state = base.state
        if state is not None and state.takes and (not state.restores or flaw.names[0] in state.set_again):
            return None
    found = layout(project, facts, family.own.name)
    return found if isinstance(found, str) else ""


def _passed_over(family: _Family, flaw: Flaw) -> str | None:
    makes = flaw.method == "__getstate__"
    found = [b for b in family.bases if b.state is not None and (b.state.makes if makes else b.state.takes)]
    if family.unknown or len(found) != 1:
        return None
    return _makes_too_much(found[0], flaw) if makes else _takes_too_little(family, found[0], flaw)


def _makes_too_much(base: ClassFacts, flaw: Flaw) -> str | None:
    """Only what cannot be pickled counts: a cache that the base leaves out may be kept on purpose."""
    state = base.state
    if state is None or not state.copies:
        return None
    missed = set(state.dropped) - set(flaw.names)
    if not any(a in missed and symbol.startswith(_UNPICKLABLE) for a, symbol in base.attributes):
        return None
    both = sorted(set(state.dropped) & set(flaw.names))
    return f"both leave out {both[0]}, which can be taken out once" if both else ""


def _takes_too_little(family: _Family, base: ClassFacts, flaw: Flaw) -> str | None:
    """Not where a `__getstate__` of the class' own keeps what the base leaves out."""
    state = base.state
    if state is None or not state.restores or not set(state.dropped) & set(state.set_again) - set(flaw.names):
        return None
    own = next((f for f in family.own.flaws if f.harm is Harm.PASSED_OVER and f.method == "__getstate__"), None)
    return "" if own is None or _makes_too_much(base, own) is not None else None


def _slots(family: _Family) -> str | None:
    every = (family.own, *family.bases)
    if family.unknown or any(c.slots is None or "__dict__" in c.slots for c in every):
        return None
    return None if family.member(("__setstate__", *_REDUCING)) else ""


def _looked_up(family: _Family, flaw: Flaw) -> str | None:
    if family.unknown or family.member((*sorted(_TAKING), *flaw.names)):
        return None
    every = (family.own, *family.bases)
    if any(c.shaped not in _PLAIN_SHAPES or c.on_class for c in every):
        return None  # what is kept on the class, an empty instance has as well
    # Loading sets each slot by `setattr`: tried on CPython 3.8 to 3.13.
    if any(c.guarded for c in every) and any(c.slots for c in every):
        return "its own `__setattr__` runs for each slot when an instance is loaded: give it `__reduce__`"
    return ""


def _provided_below(project: Project, symbol: str, flaw: Flaw) -> bool:
    """Whether instances are those of classes below alone, and all of these have a value of their own for what is read.

    An empty instance of theirs lacks nothing then.
    """
    below = [(heir, project.class_of(heir)) for heir in project.children.get(symbol, ())]
    return project.exposure.state.only_inherited(symbol) and all(
        cls is not None and (_has_values(cls, flaw.names) or _provided_below(project, heir, flaw))
        for heir, cls in below
    )


def _has_values(cls: ClassFacts, names: Sequence[str]) -> bool:
    """Whether the body of a class binds all of the names: an annotation alone does not."""
    return cls.members.difference(name for name, _ in cls.declared).issuperset(names)


def _container(project: Project, facts: Facts, family: _Family, flaw: Flaw) -> str | None:
    if family.unknown or any(_HOOKS & b.members for b in family.bases) or "__slots__" in family.own.members:
        return None
    if flaw.harm is Harm.ITEMS and family.member((*flaw.names, "__getattr__", "__getattribute__")):
        return None
    for _, cls in project.heirs(facts, family.own.name):
        if cls is not family.own and (cls.members & _HOOKS or cls.slots):
            return f"its subclass {cls.name} has hooks or slots of its own"
    return ""
