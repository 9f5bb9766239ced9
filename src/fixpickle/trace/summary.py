"""A record -> lines for people: what failed, grouped, and what was pickled where."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fixpickle.trace.record import Call, Culprit, Failure, Payload, Record
from fixpickle.trace.sites import Outcome

_SHOWN = 5  # payloads, culprits of one failure
_VERBS = {"dump": "cannot be pickled", "load": "cannot be loaded", "copy": "cannot be copied"}


def summary(record: Record, base: Path) -> str:
    """What a person wants to know first. Paths are shown from `base` where they lie below it."""
    lines = [line for failure in record.failures for line in _failure(failure, base)]
    lines += _payloads(record.payloads, base)
    lines += [f"not looked into: {problem}" for problem in record.problems]
    return "\n".join([*lines, _last(record)]) + "\n"


def outcome(found: Outcome, before: Record, after: Record, base: Path) -> str:
    """What has become of the failures of `before`, one line for each that stays or is new, and a last line."""
    lines = [f"{word}: {_one(culprit, base)}" for word in ("stay", "new") for culprit in getattr(found, word)]
    of = len(found.gone) + len(found.stay)
    new = f", {len(found.new)} new" if found.new else ""
    met = known(found, after)
    word = "gone" if met else "not met again"
    doubt = "" if met else ": it may have ended before it came to them"
    ended = f"exit code {after.exit}, which was {before.exit}{doubt}"
    return "\n".join([*lines, f"{len(found.gone)} of {_many(of, 'failure')} {word}{new}; {ended}"]) + "\n"


def known(found: Outcome, after: Record) -> bool:
    """Whether what the second run did not fail at is gone: one that fails elsewhere may not have come to it."""
    return bool(found.stay or found.new) or (after.exit == 0 and not after.timed_out)


def _one(culprit: Culprit, base: Path) -> str:
    where = f"{_shown(culprit.made.path, base)}:{culprit.made.line}: " if culprit.made else ""
    return f"{where}{culprit.path}, {_named(culprit)}: {culprit.error}"


def _last(record: Record) -> str:
    ended = "was stopped by the time limit" if record.timed_out else f"ended with exit code {record.exit}"
    times = sum(failure.count for failure in record.failures)
    failed = f"{_many(times, 'failure')} of {_many(len(record.failures), 'kind')}" if times else "nothing failed"
    return f"{failed} in {_many(record.processes, 'process', 'processes')}; {ended} after {record.seconds:.1f} s"


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def _failure(failure: Failure, base: Path) -> Iterator[str]:
    first, *rest = failure.culprits
    where = f"{_shown(first.made.path, base)}:{first.made.line}: " if first.made else ""
    times = f" ({failure.count} times)" if failure.count > 1 else ""
    yield f"{where}{_named(first)} {_VERBS[failure.kind]}{times}"
    if first.path != first.what:
        yield f"    path    {first.path}"
    yield f"    error   {failure.error}"
    yield from _crossing(failure, base)
    for other in rest[:_SHOWN]:
        made = f", made at {_shown(other.made.path, base)}:{other.made.line}" if other.made else ""
        yield f"    also    {other.path}, {_named(other)}{made}"
    if len(rest) > _SHOWN:
        yield f"    also    {len(rest) - _SHOWN} more, in the record"


def _named(culprit: Culprit) -> str:
    return culprit.what if " " in culprit.what else f"`{culprit.what}`"


def _crossing(failure: Failure, base: Path) -> Iterator[str]:
    silent = ", which loses it without an error" if failure.silent else ""
    site = failure.site
    if site is not None:
        place = f"{_shown(site.path, base)}:{site.line} in {site.function}"
        yield f"    where   {site.through or failure.pickler} at {place}{silent}"
    else:
        yield f"    where   {failure.pickler} in a worker or thread of a library ({_innermost(failure.stack)}){silent}"


def _innermost(stack: Sequence[Call]) -> str:
    return " < ".join(call.function for call in stack[:4])


def _payloads(payloads: Sequence[Payload], base: Path) -> Iterator[str]:
    """The lines that have most pickled, with what travels along whole."""
    top = [payload for payload in payloads if payload.bytes][:_SHOWN]
    if top:
        yield "pickled most:"
    for payload in top:
        call = payload.site
        through = f" through {call.through}" if call.through else ""
        each = f"{_many(payload.count, 'time')}, {_size(payload.bytes)} in all, {_size(payload.largest)} at most"
        yield f"    {_shown(call.path, base)}:{call.line}{through}: {each}, {payload.seconds:.3f} s"
        yield from (f"        {part}" for part in payload.what.split("; ")[1:])


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def _shown(path: str, base: Path) -> str:
    return os.path.relpath(path, base) if Path(path).is_relative_to(base) else path
