"""A batch of tasks worked off on another machine: its files written into a folder, children started there, JSON back.

Whoever sends a batch gets answers as if the files lay where they do at home. Imports nothing that a worker may lack.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from fixpickle.verify.attempt import Side, Task
from fixpickle.verify.exchange import Broken, Scene, answered
from fixpickle.verify.launch import Limits
from fixpickle.verify.stations import Sources, Stations


@dataclass(frozen=True, slots=True)
class Baggage:
    """What batches of one side of a change have in common. `files` holds the contents of files by their paths at home.

    The children run `python`, or, where it is the one that runs fixpickle at home and a worker has it elsewhere, the
    worker's `own`. They get `variables` in place of what Ray has put into its environment.
    """

    side: Side
    sources: Sources
    files: Mapping[Path, bytes]
    limits: Limits
    python: Path
    own: bool
    variables: Mapping[str, str]


def answer(baggage: Baggage, tasks: Sequence[Task]) -> str:
    """The answers to a batch: JSON, which also says which modules nobody found, and where all this was."""
    with tempfile.TemporaryDirectory(prefix="fixpickle-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        for path, data in baggage.files.items():
            place = _moved(path, folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        with _environment(baggage.variables, folder):
            said = _answered(baggage, [_taken_along(task, folder) for task in tasks], folder)
    text = json.dumps({**said, "host": socket.gethostname()})
    return text.replace(json.dumps(str(folder))[1:-1], "")


def _answered(baggage: Baggage, tasks: Sequence[Task], folder: Path) -> dict[str, object]:
    python = baggage.python if baggage.python.exists() or not baggage.own else Path(sys.executable)
    home = baggage.sources
    texts, runs = ({_moved(p, folder): t for p, t in some.items()} for some in (home.texts, home.runs))
    sources = Sources(texts, runs, tuple(_moved(root, folder) for root in home.roots))
    with contextlib.closing(Stations(python, baggage.limits, abroad=True)) as stations:
        found = answered(Scene(baggage.side, sources, {}, stations), tasks)
        seen: dict[str, object] = {"missed": sorted(stations.missed), "remarks": sorted(stations.remarks)}
    return seen | ({"broken": found.reason} if isinstance(found, Broken) else {"answers": found})


def _moved(path: Path, folder: Path) -> Path:
    return folder.joinpath(*PurePath(path).parts[1:])


def _taken_along(task: Task, folder: Path) -> Task:
    script = task.get("script")
    return {**task, "script": str(_moved(Path(str(script)), folder))} if script else task


@contextlib.contextmanager
def _environment(variables: Mapping[str, str], folder: Path) -> Iterator[None]:
    """The environment that children start from: without what Ray needs for itself, which is not the user's."""
    former = dict(os.environ)
    for name in former:
        if name.startswith(("RAY_", "PYTHON")):
            del os.environ[name]
    os.environ.update(variables)
    if entries := [Path(entry) for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]:
        moved = [(_moved(entry, folder), entry) for entry in entries]
        os.environ["PYTHONPATH"] = os.pathsep.join(str(new if new.exists() else old) for new, old in moved)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
