"""What of a project is made and goes somewhere, as far as it is asked for once the files are linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern

from fixpickle.link.symbols import Symbols
from fixpickle.survey.facts import Facts, Sink, ToCall, ToReturn, changed

_NOWHERE = ToCall("", 0, "", 0)


@dataclass(frozen=True, slots=True)
class Made:
    """By the symbolic name of what is called: what is made of the project's own classes and by its own functions.

    `callers` are the files in which the result of a function goes on to where it may be kept or cross. `given` are
    where instances go, of calls that are alike one. `returned` are pairs: what is called in a function, and the
    function that returns it.
    """

    callers: dict[str, list[Facts]]
    given: dict[str, list[tuple[Facts, Sink]]]
    returned: dict[tuple[str, str], None]


def made(files: Sequence[Facts], symbols: Symbols, lean: Callable[[tuple[Sink, ...]], tuple[Sink, ...]]) -> Made:
    """Goes through all files once. `lean` leaves of sinks what is asked for, of those at which not every way ends."""
    found = Made({}, {}, {})
    met: set[tuple[str, Sink]] = set()
    for facts in files:
        for instance in facts.instances:
            if symbols.foreign(instance.symbol):
                continue
            symbol = symbols.meaning(instance.symbol).symbol
            if symbols.is_class(symbol) and not instance.of_self:
                for sink in _alike(instance.sinks, lean):
                    if not isinstance(sink, ToCall) or (symbol, sink) not in met:
                        met.add((symbol, sink))
                        found.given.setdefault(symbol, []).append((facts, sink))
            if instance.member or symbols.foreign(symbol):
                continue
            for sink in instance.sinks:
                if isinstance(sink, ToReturn):
                    found.returned[symbol, intern(f"{facts.module}.{sink.function}")] = None
            if instance.exact and "()" not in symbol and lean(instance.sinks) and symbols.class_of(symbol) is None:
                callers = found.callers.setdefault(symbol, [])
                if not callers or callers[-1] is not facts:
                    callers.append(facts)
    return found


def _alike(sinks: Sequence[Sink], lean: Callable[[tuple[Sink, ...]], tuple[Sink, ...]]) -> Iterator[Sink]:
    """Calls without their lines and what their results become; and which it is does not matter where all ways end."""
    for sink in sinks:
        left = lean((sink,)) if isinstance(sink, ToCall) else (sink,)
        for one in left or (_NOWHERE,):
            yield changed(one, line=0, onward=()) if isinstance(one, ToCall) else one
