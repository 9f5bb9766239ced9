"""A batch of tasks worked off on another machine: its files in a folder, children started there, JSON back.

Whoever sends a batch gets answers as if the files lay where they do at home. Imports nothing that a worker may lack.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixpickle.verify.attempt import Side, Task
from fixpickle.verify.exchange import Broken, Scene, answered
from fixpickle.verify.launch import Limits
from fixpickle.verify.lodging import Lodging, moved
from fixpickle.verify.luggage import Piece, unpacked
from fixpickle.verify.stations import Sources, Stations

_LODGING = Lodging()


@dataclass(frozen=True, slots=True)
class Baggage:
    """What batches of one side of a change have in common. `files` holds the contents of files by their paths at home,
    `mark` stands for all of them, and `texts` are those that are shown in place of files or besides them.

    The children run `python`, or, where it is the one that runs fixpickle at home and a worker has it elsewhere, the
    worker's `own`. They get `variables` in place of what Ray has put into its environment.
    """

    side: Side
    roots: tuple[Path, ...]
    files: Sequence[Piece]
    mark: bytes
    texts: Sequence[Piece]
    runs: Mapping[Path, str]
    limits: Limits
    python: Path
    own: bool
    variables: Mapping[str, str]


def answer(baggage: Baggage, tasks: Sequence[Task]) -> str:
    """The answers to a batch: JSON, which also says which modules nobody found, and where all this was."""
    folder = _LODGING.of(baggage.mark, baggage.files)
    with _environment(baggage.variables, folder):
        said = _answered(baggage, [_taken_along(task, folder) for task in tasks], folder)
    text = json.dumps({**said, "host": socket.gethostname()})
    return text.replace(json.dumps(str(folder))[1:-1], "")


def _answered(baggage: Baggage, tasks: Sequence[Task], folder: Path) -> dict[str, object]:
    python = baggage.python if baggage.python.exists() or not baggage.own else Path(sys.executable)
    texts = {moved(path, folder): data.decode("utf-8", "surrogatepass") for path, data in unpacked(baggage.texts)}
    runs = {moved(path, folder): text for path, text in baggage.runs.items()}
    sources = Sources(texts, runs, tuple(moved(root, folder) for root in baggage.roots))
    with contextlib.closing(Stations(python, baggage.limits, abroad=folder.parent)) as stations:
        found = answered(Scene(baggage.side, sources, {}, stations), tasks)
        seen: dict[str, object] = {"missed": sorted(stations.missed), "remarks": sorted(stations.remarks)}
    return seen | ({"broken": found.reason} if isinstance(found, Broken) else {"answers": found})


def _taken_along(task: Task, folder: Path) -> Task:
    script = task.get("script")
    return {**task, "script": str(moved(Path(str(script)), folder))} if script else task


@contextlib.contextmanager
def _environment(variables: Mapping[str, str], folder: Path) -> Iterator[None]:
    """The environment that children start from: without what Ray needs for itself, which is not the user's."""
    former = dict(os.environ)
    for name in former:
        if name.startswith(("RAY_", "PYTHON")):
            del os.environ[name]
    os.environ.update(variables)
    if entries := [Path(entry) for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]:
        places = [(moved(entry, folder), entry) for entry in entries]
        os.environ["PYTHONPATH"] = os.pathsep.join(str(new if new.exists() else old) for new, old in places)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
