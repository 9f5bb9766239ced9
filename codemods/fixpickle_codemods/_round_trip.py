"""What becomes of an exception that is pickled and loaded: `cls(*args)`, as far as facts tell, across files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixpickle.project import Project
from fixpickle.survey.facts import changed
from fixpickle.survey.initialisers import (
    ARGS,
    FIXED,
    OPEN,
    SUPER,
    Form,
    Initialiser,
    Parameter,
    Place,
    Value,
)
from fixpickle.survey.wording import listed
from fixpickle_codemods._families import FIELDED, initialiser


@dataclass(frozen=True, slots=True)
class Broken:
    """Why an exception does not arrive as it was: it `fails` on load, or is altered. `what` continues its name.

    `keywords` are those it is made with, where it is only broken then; empty where it always is.
    """

    fails: bool
    what: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What an instance ends up with as `args`: values, then the `*rest` it was given; None is all of that."""

    values: tuple[Value, ...]
    rest: str


# --- what is stored -------------------------------------------------------------------------------------------------


def stored(project: Project, line: Sequence[str]) -> list[Stored | None] | None:
    """The alternatives of what the instances of the first class of an ancestry keep as `args`; None if unknown."""
    init = initialiser(project, line[0])
    if init is None or not init.readable:
        return None
    same = {p.name: Value(Form.SAME, frozenset({p.name})) for p in init.parameters if p.place is not Place.REST}
    return _stored(project, line, 0, init, _Given(same, (), _rest(init)))


@dataclass(frozen=True, slots=True)
class _Given:
    """What a constructor is called with: its parameters, and what its `*rest` holds, in terms of the first one's."""

    named: Mapping[str, Value]
    more: tuple[Value, ...]
    rest: str


def _stored(
    project: Project, line: Sequence[str], at: int, init: Initialiser, given: _Given
) -> list[Stored | None] | None:
    found: list[Stored | None] = []
    for handed in init.handed:
        if handed is None:
            found.append(Stored((), "") if FIELDED & set(line) else None)
            continue
        index = _next(project, line, at, handed.target)
        if not handed.complete or index is None:
            return None
        values = tuple(_substituted(v, given.named) for v in handed.values)
        values += given.more if handed.rest else ()
        rest = given.rest if handed.rest else ""
        if index < 0:
            found.append(Stored(values, rest))
            continue
        base = initialiser(project, line[index])
        assert base is not None
        onward = _bound(base, values, {k: _substituted(v, given.named) for k, v in handed.keywords}, rest)
        deeper = _stored(project, line, index, base, onward) if onward is not None and base.readable else None
        if deeper is None:
            return None
        found += deeper
    return found


def _rest(init: Initialiser) -> str:
    return next((p.name for p in init.parameters if p.place is Place.REST), "")


def _next(project: Project, line: Sequence[str], at: int, target: str) -> int | None:
    """Where in an ancestry the constructor stands that is called: -1 for a built-in one, None where unknown."""
    start = at + 1
    if target == ARGS:
        return -1
    if target != SUPER:
        if project.real(target) not in line[at + 1 :]:
            return None
        start = line.index(project.real(target))
    return next((i for i in range(start, len(line)) if initialiser(project, line[i])), -1)


def _bound(init: Initialiser, values: Sequence[Value], keywords: Mapping[str, Value], rest: str) -> _Given | None:
    """What a constructor is given by a call of it; None where that cannot be told, or the call be made."""
    positional = [p for p in init.parameters if p.place is Place.POSITIONAL]
    more = tuple(values[len(positional) :])
    if ((more or rest) and not _rest(init)) or (rest and len(values) < len(positional)):
        return None
    given = {p.name: v for p, v in zip(positional, values, strict=False)} | dict(keywords)
    if any(p.required and p.name not in given for p in init.parameters):
        return None
    named = {p.name: given.get(p.name, FIXED) for p in init.parameters if p.place in (Place.POSITIONAL, Place.KEYWORD)}
    return _Given(named, more, rest)


def _substituted(value: Value, given: Mapping[str, Value]) -> Value:
    """A value of one constructor's parameters in terms of what these were given."""
    parts = [given.get(n, OPEN) for n in value.names]
    if value.form in (Form.SAME, Form.EITHER) and len(parts) == 1:
        only = parts[0]
        same = value.form is Form.SAME or only.form is not Form.SAME
        return only if same else changed(only, form=Form.EITHER)
    options = tuple(_substituted(o, given) for o in value.options)
    form = Form.OPEN if value.form is Form.OPEN or any(p.form is Form.OPEN for p in parts) else Form.MADE
    whole = (given.get(n, OPEN).carried for n in value.whole)
    names = (p.names for p in parts)
    every = frozenset[str]()
    return changed(value, form=form, names=every.union(*names), whole=every.union(*whole), options=options)


# --- what happens on load -------------------------------------------------------------------------------------------


def broken(init: Initialiser, alternatives: Sequence[Stored | None]) -> Broken | None:
    """What goes wrong when the constructor is called with `args`; None where nothing is sure to.

    Loading may go another way than making did: where one way leaves the message alone, it may be that one. Where no
    way ends at all, as in a constructor that only raises, there is nothing to load.
    """
    found = [_broken(init, one) for one in alternatives]
    fails = [b for b in found if b is not None and b.fails]
    return fails[0] if fails else found[0] if found and all(found) else None


def _broken(init: Initialiser, one: Stored | None) -> Broken | None:
    needed = [p.name for p in init.parameters if p.place is Place.KEYWORD and p.required]
    if needed:
        return Broken(True, f"needs {listed(needed)} by name, and is called with `args` alone")
    if init.keys:
        return Broken(True, f"needs {listed(init.keys)} by name, and is called with `args` alone")
    if one is None:
        return None
    positional = [p for p in init.parameters if p.place is Place.POSITIONAL]
    if one.rest:
        whole = len(one.values) == len(positional)
        return None if whole else Broken(False, f"takes {listed(_names(positional))} and `*{one.rest}`{_LESS}")
    counted = miscounted(init, len(one.values))
    return counted or _misread(init, positional, one.values) or _altered(positional, one.values)


_LESS = ", and hands on another number of values"


def miscounted(init: Initialiser, count: int) -> Broken | None:
    """What goes wrong when a constructor is called with so many values."""
    positional = [p for p in init.parameters if p.place is Place.POSITIONAL]
    missing = [p.name for p in positional[count:] if p.required]
    if missing:
        return Broken(True, f"needs {listed(missing)} as well, and is called with {_counted(count)}")
    if count > len(positional) and not _rest(init):
        return Broken(True, f"takes {_counted(len(positional))}, and is called with {_counted(count)}")
    return None


def _misread(init: Initialiser, positional: Sequence[Parameter], values: Sequence[Value]) -> Broken | None:
    """A parameter that the constructor asks for what a string has not, and that is given the message on load."""
    for parameter, value in zip(positional, values, strict=False):
        for demand in init.demands:
            if demand.parameter == parameter.name and value.text and not hasattr(str, demand.attribute):
                return Broken(True, f"reads `{demand.attribute}` of `{parameter.name}`, and is given the message there")
    return None


def _altered(positional: Sequence[Parameter], values: Sequence[Value]) -> Broken | None:
    given = _names(positional[: len(values)])
    for index, value in enumerate(values[: len(positional)]):
        own = positional[index].name
        if all(_differs(option, own, values, given) for option in value.options or (value,)):
            if own in value.whole:
                return Broken(False, f"makes its message again from the message, which it is given as `{own}`")
            return Broken(False, f"makes its message again, without {listed(sorted(value.names - {own}))}")
    return None


def _differs(value: Value, own: str, values: Sequence[Value], given: Sequence[str]) -> bool:
    """Whether a value comes out otherwise when its parameters are what is stored, and the rest their defaults."""
    if own in value.whole:
        return True
    if value.fixed or value.form is Form.OPEN or value.names == {own}:
        return False
    plain = value.form in (Form.SAME, Form.EITHER) and not _settles(value, values, given)
    return plain or (value.text and not value.names & set(given)) or any(_lost(n, values, given) for n in value.whole)


def _lost(name: str, values: Sequence[Value], given: Sequence[str]) -> bool:
    """Whether a parameter is sure to be something else on load than what it was."""
    if name not in given:
        return True
    value = values[given.index(name)]
    return value.form is Form.MADE and name not in value.carried


def _settles(value: Value, values: Sequence[Value], given: Sequence[str]) -> bool:
    """Whether a parameter that is stored in another's place is, on load, given what is stored there already."""
    (name,) = value.names
    return name in given and values[given.index(name)] == value


def _names(parameters: Sequence[Parameter]) -> list[str]:
    return [p.name for p in parameters]


def _counted(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
