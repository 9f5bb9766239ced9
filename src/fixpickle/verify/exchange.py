"""Put attempts to fresh children and read what became of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fixpickle.verify.attempt import Attempt, Side, Task
from fixpickle.verify.launch import Died, Ending, Hung, Unstartable, launch

Stage = Literal["import", "build", "dump", "load", "absent", "hung", "died"]


@dataclass(frozen=True, slots=True)
class Crossed:
    """It was loaded in the other interpreter, and is what was sent. `note` is what the child has to add."""

    note: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not cross: the stage that failed, and the genuine error."""

    stage: Stage
    error: str


Trial = Crossed | Failed


@dataclass(frozen=True, slots=True)
class Broken:
    """The interpreter itself cannot be used for a proof, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the children of one side see: the texts, what scripts are trimmed to, and where modules are looked up."""

    side: Side
    texts: Mapping[Path, str]
    runs: Mapping[Path, str]
    scripts: Mapping[Path, str]
    roots: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """The interpreter, and its limits: seconds without progress, and megabytes of address space."""

    python: Path
    seconds: float
    megabytes: int


def cross(bench: Bench, sources: Sources, attempts: Sequence[Attempt]) -> Mapping[str, Trial] | Broken:
    """What becomes of each attempt, by its key: dumped in one interpreter, loaded in another."""
    tasks = [a.task(sources.side, sources.scripts) for a in attempts]
    dumped = _phase(bench, sources, "dump", tasks)
    if isinstance(dumped, Broken):
        return dumped
    parcels = [task | dumped[str(task["id"])] for task in tasks if dumped[str(task["id"])]["stage"] == "dumped"]
    loaded = _phase(bench, sources, "load", parcels)
    if isinstance(loaded, Broken):
        return loaded
    return {key: _trial(answer) for key, answer in {**dumped, **loaded}.items()}


def _trial(answer: Mapping[str, Any]) -> Trial:
    return Crossed(answer["note"]) if answer["stage"] == "crossed" else Failed(answer["stage"], answer["error"])


def _phase(bench: Bench, sources: Sources, mode: str, tasks: Sequence[Task]) -> dict[str, dict[str, Any]] | Broken:
    """Every task's answer. A child that is lost costs what it was at, and a fresh one goes on with the rest."""
    answers: dict[str, dict[str, Any]] = {}
    pending = list(tasks)
    while pending:
        with tempfile.TemporaryDirectory(prefix="fixpickle-", ignore_cleanup_errors=True) as scratch:
            ending, lines = _round(bench, sources, mode, pending, Path(scratch))
        if not lines:
            return Broken(_unusable(bench.python, ending))
        answers.update({line["done"]: line for line in lines if "done" in line})
        pending = [task for task in pending if task["id"] not in answers]
        lost = list(_lost(lines, pending, ending))
        answers.update(lost if lost or not pending else [(str(pending[0]["id"]), _failure(ending))])
        pending = [task for task in pending if task["id"] not in answers]
    return answers


def _round(
    bench: Bench, sources: Sources, mode: str, tasks: Sequence[Task], scratch: Path
) -> tuple[Ending, list[dict[str, Any]]]:
    request = {
        "parent": os.getpid(),
        "megabytes": bench.megabytes,
        "side": sources.side,
        "roots": [str(r) for r in sources.roots],
        "texts": {str(p): t for p, t in sources.texts.items()},
        "runs": {str(p): t for p, t in sources.runs.items()},
        "tasks": list(tasks),
    }
    question, answer = scratch / "tasks.json", scratch / "answers.jsonl"
    question.write_text(json.dumps(request), encoding="utf-8")
    ending = launch(bench.python, mode, question, answer, bench.seconds)
    return ending, list(_lines(answer))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            yield json.loads(line)
        except ValueError:  # the child was killed while it wrote
            return


def _lost(
    lines: Sequence[Mapping[str, Any]], pending: Sequence[Task], ending: Ending
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers of those the child was lost with: one task, or all of the module that was being imported."""
    under_way = next((line["begin"] for line in reversed(lines) if "begin" in line), None)
    module = lines[-1].get("importing")
    for task in pending:
        if module is not None and module == task["module"]:
            failure = _failure(ending)
            yield str(task["id"]), {"stage": "import", "error": f"{failure['error']} when importing {module}"}
        elif task["id"] == under_way:
            yield str(task["id"]), _failure(ending)


def _failure(ending: Ending) -> dict[str, Any]:
    match ending:
        case Hung(seconds):
            return {"stage": "hung", "error": f"hung for {seconds:g} s"}
        case Died(reason):
            return {"stage": "died", "error": f"the interpreter {reason}"}
        case _:
            return {"stage": "died", "error": "the interpreter ended early"}


def _unusable(python: Path, ending: Ending) -> str:
    match ending:
        case Unstartable(reason):
            return reason
        case Hung(seconds):
            return f"{python} did not start within {seconds:g} s"
        case Died(reason, said):
            last = said.splitlines()[-1] if said else "it said nothing"
            return f"{python} {reason} before the proof began: {last}"[:300]
        case _:
            return f"{python} ended before the proof began"
