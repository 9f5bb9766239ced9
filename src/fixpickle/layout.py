"""How instances of a class keep their attributes, as far as state hooks that are written for it must know."""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.project import Project
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import ClassFacts, Facts, Layout
from fixpickle.survey.mangling import mangled

_PLAIN = frozenset({"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"})
_PLAIN_MODULES = ("collections.abc.", "typing.")
_PLAIN_SHAPES = frozenset({"", "metaclass abc.ABCMeta", "metaclass builtins.type"})


def layout(project: Project, facts: Facts, name: str) -> Layout | str:
    """The layout of a class' instances, or why hooks written for it could do harm.

    What is not known to be plain may pickle in its own way, and so may a subclass: hooks in the middle of such a family
    would be passed over, or pass over others.
    """
    family = list(project.lineage(facts, name))
    if not family or (own := family[0][1]) is None:
        return f"{name} is not at module level"
    ancestors = [found for _, found in family if found is not None]
    for reason in (*_unknown(family), *_unreadable(ancestors), *_below(project, facts, name)):
        return reason
    bases = [a.state for a in ancestors[1:] if a.state is not None]
    return Layout(
        slots=tuple(mangled(slot, a.name) for a in reversed(ancestors) for slot in a.slots or ()),
        dictionary=any(a.slots is None or "__dict__" in a.slots for a in ancestors),
        base_makes=any(b.makes for b in bases),
        base_takes=any(b.takes for b in bases),
        guarded=any(a.guarded for a in ancestors),
        own=own.state,
    )


def is_plain(symbol: str) -> bool:
    """Whether a base outside the project is known to have no say in how instances are pickled or looked into."""
    # The classes of processes have neither hooks nor slots: CPython's `multiprocessing/process.py`.
    known = catalogue().started_bases | catalogue().plain_bases
    return symbol in _PLAIN or symbol.startswith(_PLAIN_MODULES) or symbol in known


def _unknown(family: list[tuple[str, ClassFacts | None]]) -> Iterator[str]:
    for symbol, found in family:
        if found is None and not is_plain(symbol):
            yield f"its base {symbol} is not in the project and may pickle in a way of its own"
        elif found is not None and "" in found.bases:
            yield f"a base of {found.name} cannot be told from here, and may pickle in a way of its own"


def _unreadable(ancestors: list[ClassFacts]) -> Iterator[str]:
    for found in ancestors:
        if found.shaped not in _PLAIN_SHAPES:
            yield f"{found.name} is shaped by {found.shaped}"
        elif "" in (found.slots or ()):
            yield f"the slots of {found.name} cannot be read"
        elif others := {"__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__"} & set(found.hooks):
            yield f"{found.name} has {min(others)}"
        elif found.state is not None and found.state.makes and not found.state.copies:
            yield f"the __getstate__ of {found.name} does more than copy"
        elif found.state is not None and found.state.takes and not found.state.restores:
            yield f"the __setstate__ of {found.name} does not put the whole state back"


def _below(project: Project, facts: Facts, name: str) -> Iterator[str]:
    """What subclasses, and the other bases of these, do that the hooks would be in the way of."""
    own = {symbol for symbol, _ in project.lineage(facts, name)}
    for other, cls in project.heirs(facts, name):
        if f"{other.module}.{cls.name}" in own:
            continue
        for symbol, found in project.lineage(other, cls.name):
            if symbol in own:
                continue
            if found is None and not is_plain(symbol):
                yield f"its subclass {cls.name} has a base outside the project, {symbol}"
            elif found is not None and (_own_hooks(found) or found.slots or found.shaped not in _PLAIN_SHAPES):
                yield f"its subclass {cls.name} has state hooks or slots of its own ({found.name})"


def _own_hooks(cls: ClassFacts) -> bool:
    """Whether a class has hooks that pass over those of its base, or do more than copy and put back."""
    state = cls.state
    asks = state is not None and state.above and state.copies and (state.restores or not state.takes)
    return bool(cls.hooks) and not (asks and set(cls.hooks) <= {"__getstate__", "__setstate__"})
