"""The lines that the processes of a traced program wrote -> one record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fixpickle.trace.record import Call, Failure, Payload, Record, culprit

_FAILURES, _PAYLOADS, _PROBLEMS = 500, 200, 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended: the command, its folder, its exit code and the seconds it took."""

    command: tuple[str, ...]
    folder: str
    exit: int
    seconds: float
    timed_out: bool
    limit: float | None


def merged(folder: Path, ended: Ended) -> Record:
    """All that the processes wrote into `folder`. A line that was cut off when its process was killed is left out."""
    lines = [(path.name, line) for path in sorted(folder.glob("*.jsonl")) for line in _lines(path)]
    failures = _failures(lines)
    return Record(
        command=ended.command,
        folder=ended.folder,
        exit=ended.exit,
        seconds=round(ended.seconds, 3),
        timed_out=ended.timed_out,
        limit=ended.limit,
        processes=len({name for name, line in lines if "begin" in line}),
        main=_main([line for _, line in lines]),
        failures=failures[:_FAILURES],
        payloads=_payloads(row for _, line in lines for row in line.get("sites", ()))[:_PAYLOADS],
        files=_digests(failures[:_FAILURES], _main([line for _, line in lines])),
        problems=tuple(dict.fromkeys(line["problem"] for _, line in lines if "problem" in line))[:_PROBLEMS],
    )


def _main(lines: Sequence[Mapping[str, Any]]) -> str:
    """The script of the process that is nobody's child here; the first where there are several."""
    begun = [line["begin"] for line in lines if "begin" in line]
    known = {one["pid"] for one in begun}
    roots = {one["pid"] for one in begun if one["parent"] not in known}
    found = [line["main"] for line in lines if "main" in line and line["pid"] in roots]
    return str(found[0]) if found else ""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


# --- failures -------------------------------------------------------------------------------------------------------


def _failures(lines: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Failure, ...]:
    """One for each way in which it failed, the most frequent first; each counted, in however many processes it was."""
    found: dict[tuple[object, ...], Failure] = {}
    where: dict[tuple[object, ...], set[str]] = {}
    alike: dict[str, tuple[object, ...]] = {}
    for name, line in lines:
        if "failed" in line:
            failure = _failure(line["failed"])
            key = (failure.key, failure.site, tuple(c.made for c in failure.culprits))
            found[key] = replace(found[key], count=found[key].count + 1) if key in found else failure
            where.setdefault(key, set()).add(name)
            alike.setdefault(_again(name, line["failed"]), key)
    for name, line in lines:
        known = alike.get(_again(name, line["again"])) if "again" in line else None
        if known is not None:
            found[known] = replace(found[known], count=found[known].count + line["again"]["times"])
    every = [replace(failure, processes=len(where[key])) for key, failure in found.items()]
    return tuple(sorted(every, key=lambda failure: (not _own(failure), -failure.count)))


def _own(failure: Failure) -> bool:
    """Whether a line of the user's own is known to it."""
    return failure.site is not None or any(c.made is not None for c in failure.culprits)


def _again(name: str, told: Mapping[str, Any]) -> str:
    """What a process calls the same failure by, whose details it told only the first times."""
    return repr((name, told["kind"], told["pickler"], told["error"], told["site"]))


def _failure(told: Mapping[str, Any]) -> Failure:
    stack = tuple(Call(**one) for one in told["stack"])
    return Failure(
        kind=told["kind"],
        pickler=told["pickler"],
        error=told["error"],
        root=told["root"],
        thread=told["thread"],
        main=told["main"],
        silent=_silent(told["root"], stack),
        site=Call(**told["site"]) if told["site"] else None,
        culprits=tuple(culprit(one) for one in told["leaves"]),
        stack=stack,
    )


def _silent(root: str, stack: Sequence[Call]) -> bool:
    """Whether it was put on a `multiprocessing.Queue`, whose thread prints the error and drops the item.

    An executor's tasks go the same way, but it hands the error on.
    """
    feeding = any(call.function.endswith("_feed") and call.path.endswith(_QUEUES) for call in stack)
    return feeding and not root.endswith("_CallItem")


_QUEUES = str(Path("multiprocessing", "queues.py"))


def _digests(failures: Iterable[Failure], main: str) -> dict[str, str]:
    """The files that failures name, as they are right after the run."""
    places = [place for f in failures for c in f.culprits for place in (c.made, c.bound) if place is not None]
    paths = {main, *(place.path for place in places)} - {""}
    paths |= {failure.site.path for failure in failures if failure.site}
    found = {}
    for path in sorted(paths):
        if Path(path).is_file():
            found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found


# --- payloads -------------------------------------------------------------------------------------------------------


def _payloads(rows: Iterable[Sequence[Any]]) -> tuple[Payload, ...]:
    """One for each line of code and function it called, most bytes first. Of the user's own code only."""
    found: dict[Call, Payload] = {}
    for pickler, place, count, size, seconds, largest, what in rows:
        call = Call(**place)
        if not call.own:
            continue
        was = found.get(call) or Payload(pickler, call, 0, 0, 0.0, -1, "")
        most = largest > was.largest
        found[call] = replace(
            was,
            count=was.count + count,
            bytes=was.bytes + size,
            seconds=round(was.seconds + seconds, 6),
            largest=max(largest, was.largest),
            what=what if most else was.what,
        )
    return tuple(sorted(found.values(), key=lambda payload: (-payload.bytes, -payload.count)))
