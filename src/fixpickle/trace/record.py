"""What a traced run tells, as frozen values, and the JSON file that holds them.

The file is a promise: `docs/schemas/trace-1.json` says what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fixpickle.model import Refusal

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A line of a function: whether its file is the user's `own`, and the library's function it called `through`."""

    path: str
    line: int
    function: str
    through: str = ""
    own: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """The line where something was made, and how that is known: by its definition, an assignment or its allocation."""

    path: str
    line: int
    by: str


@dataclass(frozen=True, slots=True)
class Culprit:
    """What could not cross: its path from what was pickled, and what it is.

    `holder` is the class, as `module:Class`, that holds it or what it is a part of in `attribute`. `bound` is where a
    module binds a function that another function made.
    """

    path: str
    what: str
    error: str
    holder: str
    attribute: str
    made: Made | None
    bound: Made | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which pickling, loading or copying failed, `count` times in `processes` processes.

    `kind` is dump, load or copy. `silent` says that nothing was raised where the program could see it. `site` is the
    line of the user's own code that pickled or handed in the value, None where that is not known. `stack` is innermost
    first. `main` is the script of the process that failed.
    """

    kind: str
    pickler: str
    error: str
    root: str
    thread: str
    main: str
    silent: bool
    site: Call | None
    culprits: tuple[Culprit, ...]
    stack: tuple[Call, ...]
    count: int = 1
    processes: int = 1

    @property
    def key(self) -> tuple[object, ...]:
        """What two runs know the same failure by, lines left out: they move when files are fixed."""
        what = tuple((c.path, c.what) for c in self.culprits[:1])
        return self.kind, self.error.partition(":")[0], what, (self.site.path, self.site.function) if self.site else ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What one line of code had pickled: how often, how many bytes in all and at most, and in how many seconds.

    `what` is the type of the largest, and the objects that travel along whole with a bound method in it.
    """

    pickler: str
    site: Call
    count: int
    bytes: int
    seconds: float
    largest: int
    what: str


@dataclass(frozen=True, slots=True)
class Record:
    """One traced run. `files` are digests of the files that failures name, as they were then.

    `exit` is the program's exit code, as a shell would have it. `processes` counts those in which something was
    recorded, `main` is the script of the first of them. `limit` is the time limit in seconds, None for none. `problems`
    are the recorder's own.
    """

    command: tuple[str, ...]
    folder: str
    exit: int
    seconds: float
    timed_out: bool
    limit: float | None
    processes: int
    main: str
    failures: tuple[Failure, ...]
    payloads: tuple[Payload, ...]
    files: Mapping[str, str]
    problems: tuple[str, ...] = ()


def to_json(record: Record) -> str:
    """The record as one JSON document in ASCII, ending in a newline."""
    return json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1) + "\n"


def from_file(path: Path) -> Record | Refusal:
    """The record in a file, or why it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Refusal(path, f"cannot be read: {error.strerror}")
    except ValueError as error:
        return Refusal(path, f"not JSON: {error}")
    if not isinstance(data, dict) or "failures" not in data:
        return Refusal(path, "not a record of `fixpickle trace`")
    if data.get("schema") != SCHEMA:
        return Refusal(path, f"a record of schema {data.get('schema')}, and this is for schema {SCHEMA}: trace again")
    try:
        return _record(data)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        return Refusal(path, f"not a record of `fixpickle trace`: {error}")


def _record(data: Mapping[str, Any]) -> Record:
    names = ("command", "folder", "exit", "seconds", "timed_out", "limit", "processes", "main")
    plain: dict[str, Any] = {name: data[name] for name in names}
    return Record(
        **{**plain, "command": tuple(plain["command"])},
        failures=tuple(_failure(one) for one in data["failures"]),
        payloads=tuple(Payload(**{**one, "site": Call(**one["site"])}) for one in data["payloads"]),
        files=dict(data["files"]),
        problems=tuple(data["problems"]),
    )


def _failure(data: Mapping[str, Any]) -> Failure:
    site = data["site"]
    return Failure(
        **{
            **data,
            "site": Call(**site) if site else None,
            "culprits": _culprits(data["culprits"]),
            "stack": tuple(Call(**one) for one in data["stack"]),
        }
    )


def _culprits(rows: Sequence[Mapping[str, Any]]) -> tuple[Culprit, ...]:
    return tuple(culprit(row) for row in rows)


def culprit(row: Mapping[str, Any]) -> Culprit:
    """A culprit of its plain values."""
    places = {name: Made(**row[name]) if row.get(name) else None for name in ("made", "bound")}
    return Culprit(**{**row, **places})
