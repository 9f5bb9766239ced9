"""What a run is known by before it writes, and what taking it back would do. Texts and values in, values out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fixpickle.model import Refusal

VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a run: `path` from the root, in POSIX form; SHA-256 of its bytes before and after; its mode.

    `old` is empty for a file that the run makes. Otherwise the `size` bytes it held are kept with the run, those of
    all files one after the other.
    """

    path: str
    old: str
    new: str
    size: int = 0
    mode: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One run that was about to write. `started` is UTC, as ISO 8601; `fixes` says how many it was about."""

    run: int
    started: str
    fixes: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do to take a run back. What already is as it was is in neither."""

    restore: tuple[Entry, ...] = ()
    remove: tuple[Entry, ...] = ()


def dump(record: Record) -> str:
    """The record as JSON."""
    files = [{"path": e.path, "old": e.old, "new": e.new, "size": e.size, "mode": e.mode} for e in record.entries]
    document = {"version": VERSION, "run": record.run, "started": record.started, "fixes": record.fixes, "files": files}
    return json.dumps(document, indent=1) + "\n"


def load(text: str, where: Path) -> Record | Refusal:
    """What :func:`dump` wrote. Refused, blaming `where`: anything else, and paths that lead out of the root."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            return Refusal(where, f"is of version {document['version']}, which this fixpickle does not know")
        entries = tuple(
            Entry(str(f["path"]), str(f["old"]), str(f["new"]), int(f["size"]), int(f["mode"]))
            for f in document["files"]
        )
        record = Record(int(document["run"]), str(document["started"]), int(document["fixes"]), entries)
    except (ValueError, KeyError, TypeError):
        return Refusal(where, "is not a record that fixpickle wrote")
    out = next((e.path for e in entries if not _is_inside(e.path)), None)
    return record if out is None else Refusal(where, f"names `{out}`, which is not below the project")


def _is_inside(path: str) -> bool:
    """Whether a path of a record stays below the root by its letters; `:` and `\\` are how Windows leaves it."""
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and not set(path) & {"\\", ":", "\0"}


def plan(
    record: Record, now: Mapping[str, str | Refusal], later: Iterable[Record], root: Path
) -> Plan | tuple[Refusal, ...]:
    """What takes a run back, or a refusal for each file that stands against it.

    `now` is the digest of each file as it is, empty where there is none, or why it cannot be told. `later` are the
    runs since, as far as they were not taken back.
    """
    refused: list[Refusal] = []
    restore: list[Entry] = []
    remove: list[Entry] = []
    since = {entry.path: other.run for other in sorted(later, key=lambda r: -r.run) for entry in other.entries}
    for entry in record.entries:
        found = now[entry.path]
        if isinstance(found, Refusal):
            refused.append(found)
        elif found == entry.new:
            (restore if entry.old else remove).append(entry)
        elif found != entry.old:
            refused.append(Refusal(root / entry.path, _changed(found, since.get(entry.path))))
    return tuple(refused) or Plan(tuple(restore), tuple(remove))


def _changed(found: str, by: int | None) -> str:
    if by is not None:
        return f"was changed by run {by} since; take that one back first"
    return "changed since" if found else "is gone"


def surplus(sizes: Sequence[tuple[int, int]], runs: int, limit: int) -> tuple[int, ...]:
    """The runs to forget, of pairs of run and bytes: beyond the last `runs`, and beyond `limit` bytes in all.

    The last one stays, however large it is.
    """
    newest = sorted(sizes, reverse=True)
    total, gone = 0, []
    for place, (run, size) in enumerate(newest):
        total += size
        if place and (place >= runs or total > limit):
            gone.append(run)
    return tuple(gone)
