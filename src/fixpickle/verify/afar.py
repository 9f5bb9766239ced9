"""The side of a proof on other machines that is here: what they are sent, and what their answers are worth."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fixpickle.verify.attempt import Task
from fixpickle.verify.exchange import Answers, Scene
from fixpickle.verify.launch import handed_on
from fixpickle.verify.luggage import FULL, Piece, packed
from fixpickle.verify.stations import Sources
from fixpickle.verify.there import Baggage, answer

_TOGETHER = 128  # tasks of one batch, and what their last module has besides: three interpreters start for each batch
MOST = 4 << 30  # bytes of files that are sent: each core of a worker's machine has them on its disk
_LEFT_OUT = frozenset({"__pycache__", "node_modules"})
# What must run where the user's own files, caches and clusters are.
_STAYS = frozenset({"cells", "trial", "weight"})


class Crew(Protocol):
    """Workers on other machines."""

    def each(
        self, function: Callable[[Sequence[Task]], str], items: Iterable[Sequence[Task]], *, together: int
    ) -> Generator[str, None, None]:
        """The results of a function of every item, in their order."""
        ...

    def share(self, data: bytes) -> Piece:
        """What gives these bytes to whoever works for them. They travel once to a machine, whoever shares them."""
        ...


@dataclass(frozen=True, slots=True)
class _Sent:
    """Files that workers may ask for, what stands for all of them, and for the contents of each."""

    pieces: tuple[Piece, ...]
    mark: bytes
    marks: Mapping[Path, bytes]


class Afar:
    """Puts tasks to workers that have nothing in common with this machine but Python and what is installed.

    A worker that lacks a module, or the metadata of a package, which is here proves nothing: its batch comes back as
    lacking it. Files are read once in a run.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._files: dict[tuple[Path, ...], _Sent | None] = {}
        self._here: dict[tuple[tuple[Path, ...], str], bool] = {}

    def takes(self, scene: Scene, task: Task) -> bool:
        """Whether a task can be worked off elsewhere."""
        travels = not scene.alone and task["kind"] not in _STAYS and task.get("manner") != "harvested"
        return travels and self._sent(scene) is not None

    def answers(self, scene: Scene, tasks: Sequence[Task]) -> Answers:
        """The answers of all tasks, by their ids."""
        batches, found = list(_batches(tasks)), Answers()
        function = partial(answer, self._baggage(scene))
        with contextlib.closing(self._crew.each(function, batches, together=1)) as results:
            for batch, result in zip(batches, results, strict=True):
                found |= self._read(scene, batch, json.loads(result))
                scene.stations.tally.did(2 * len(batch))
        return found

    def _read(self, scene: Scene, batch: Sequence[Task], said: Mapping[str, Any]) -> Answers:
        scene.stations.remarks |= {f"on a worker of the cluster, {remark}" for remark in said["remarks"]}
        reason = f"on {said['host']}, {said['broken']}" if "broken" in said else ""
        if lost := self._present(scene, said["missed"]):
            names = ", ".join(f"`{name}`" for name in lost)
            reason = f"the worker on {said['host']} has no {names}; install there what is installed here"
        if not reason:
            return dict(said["answers"])
        return {str(task["id"]): {"stage": "lacking", "error": reason, "also": {}} for task in batch}

    def _present(self, scene: Scene, names: Sequence[str]) -> list[str]:
        """Those of the modules and metadata that the interpreter here would find. No module is imported for that."""
        roots = scene.sources.roots
        if new := [name for name in names if (roots, name) not in self._here]:
            task = {"id": "present", "kind": "present", "module": "", "names": new}
            request = {"side": scene.side, "tasks": [task]}
            _, lines = scene.stations.ask("dump", Sources({}, {}, roots), request, alone=True)
            notes = [str(line.get("note", "")).splitlines() for line in lines if line.get("done") == "present"]
            found = notes[0] if notes else new  # where nobody can say, no answer is trusted
            self._here |= {(roots, name): name in found for name in new}
        return [name for name in names if self._here[roots, name]]

    def _baggage(self, scene: Scene) -> Baggage:
        sent, shown, python = self._sent(scene), scene.sources, scene.stations.python
        files, mark, marks = (sent.pieces, sent.mark, sent.marks) if sent is not None else ((), b"", {})
        texts = [(path, shown.texts[path].encode("utf-8", "surrogatepass")) for path in sorted(shown.texts)]
        other = [(path, data) for path, data in texts if marks.get(path) != hashlib.sha256(data).digest()]
        own = python.absolute() == Path(sys.executable).absolute()  # resolved, all environments would be the same one
        pieces, limits = [self._crew.share(data) for data in packed(other)], scene.stations.limits
        return Baggage(scene.side, shown.roots, files, mark, pieces, shown.runs, limits, python, own, handed_on())

    def _sent(self, scene: Scene) -> _Sent | None:
        """The files below the import roots; None where they are too many to be sent, which the user is told."""
        roots = scene.sources.roots
        if roots not in self._files:
            paths = below(roots)
            self._files[roots] = self._shared(paths) if paths is not None else None
        if self._files[roots] is None:
            scene.stations.remarks |= {
                f"the folders that modules are imported from hold more than {MOST >> 30} GB, "
                f"so the proof was made here and not on the cluster: {', '.join(map(str, roots))}"
            }
        return self._files[roots]

    def _shared(self, paths: Sequence[Path]) -> _Sent:
        whole, marks, pieces = hashlib.sha256(), dict[Path, Any](), list[Piece]()

        def read() -> Iterator[tuple[Path, bytes]]:
            for path, data in contents(paths):
                marks.setdefault(path, hashlib.sha256()).update(data)
                yield path, data

        for data in packed(read()):
            whole.update(hashlib.sha256(data).digest())
            pieces.append(self._crew.share(data))
        return _Sent(tuple(pieces), whole.digest(), {path: mark.digest() for path, mark in marks.items()})


def below(roots: Iterable[Path]) -> list[Path] | None:
    """Every file below the folders, sorted, without hidden ones, caches and environments; None where it is too much."""
    paths = sorted({path for root in roots for path in _below(root)})
    return paths if sum(path.stat().st_size for path in paths) <= MOST else None


def contents(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """The contents of files, those of a large one in parts."""
    for path in paths:
        with path.open("rb") as file:
            yield path, file.read(FULL)
            while data := file.read(FULL):
                yield path, data


def _below(root: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = sorted(name for name in inner if not _is_left_out(folder, name))
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            inner.clear()
            continue
        seen.add(real)
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and os.access(path, os.R_OK) and stat.S_ISREG(path.stat().st_mode):
                yield path


def _is_left_out(folder: str, name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT or Path(folder, name, "pyvenv.cfg").exists()


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """The tasks of each package, many in parts. Those of one module stay together: it is imported once."""
    packages: dict[str, dict[str, list[Task]]] = {}
    for task in tasks:
        module = str(task["module"] or task.get("script", ""))
        packages.setdefault(module.partition(".")[0], {}).setdefault(module, []).append(task)
    for modules in packages.values():
        batch: list[Task] = []
        for some in modules.values():
            batch += some
            if len(batch) >= _TOGETHER:
                yield batch
                batch = []
        if batch:
            yield batch
