"""What of a project is made and goes somewhere, as far as it is asked for once the files are linked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern

from fixpickle.link.symbols import Symbols
from fixpickle.link.tables import noted
from fixpickle.survey.facts import Facts, Sink, ToCall, ToReturn, changed

_NOWHERE = ToCall("", 0, "", 0)
Lean = Callable[[tuple[Sink, ...]], tuple[Sink, ...]]
"""Leaves of sinks what is asked for, of those at which not every way ends."""


@dataclass(frozen=True, slots=True)
class Made:
    """By the symbolic name of what is called: what is made of the project's own classes and by its own functions.

    `callers` are the files in which the result of a function goes on to where it may be kept or cross, `makers` those
    in which instances of a class go somewhere. `returned` are pairs: what is called in a function, and the function
    that returns it.
    """

    callers: dict[str, list[Facts]]
    makers: dict[str, list[Facts]]
    returned: dict[tuple[str, str], None]


def made(files: Sequence[Facts], symbols: Symbols, lean: Lean) -> Made:
    """Goes through all files once."""
    found = Made({}, {}, {})
    for facts in files:
        for instance in facts.instances:
            if symbols.foreign(instance.symbol):
                continue
            symbol = symbols.meaning(instance.symbol).symbol
            if instance.sinks and symbols.is_class(symbol) and not instance.of_self:
                noted(found.makers, symbol, facts)
            if instance.member or symbols.foreign(symbol):
                continue
            for sink in instance.sinks:
                if isinstance(sink, ToReturn):
                    found.returned[symbol, intern(f"{facts.module}.{sink.function}")] = None
            if instance.exact and "()" not in symbol and lean(instance.sinks) and symbols.class_of(symbol) is None:
                noted(found.callers, symbol, facts)
    return found


def given(cls: str, makers: Iterable[Facts], symbols: Symbols, lean: Lean) -> Iterator[tuple[Facts, Sink]]:
    """Where instances of a class go in the files that make them, of calls that are alike one."""
    met: set[Sink] = set()
    for facts in makers:
        for instance in facts.instances:
            if instance.of_self or symbols.meaning(instance.symbol).symbol != cls:
                continue
            for sink in _alike(instance.sinks, lean):
                if not isinstance(sink, ToCall) or sink not in met:
                    met.add(sink)
                    yield facts, sink


def _alike(sinks: Sequence[Sink], lean: Lean) -> Iterator[Sink]:
    """Calls without their lines and what their results become; and which it is does not matter where all ways end."""
    for sink in sinks:
        left = lean((sink,)) if isinstance(sink, ToCall) else (sink,)
        for one in left or (_NOWHERE,):
            yield changed(one, line=0, onward=()) if isinstance(one, ToCall) else one
