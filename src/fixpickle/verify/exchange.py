"""Put attempts to children and read what became of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from fixpickle.model import ByContents, ByExpression, ByIdentity, ByReference, ByState, Instance
from fixpickle.verify.attempt import Attempt, Importing, Side, Task
from fixpickle.verify.launch import Died, Ending, Hung, Unstartable
from fixpickle.verify.stations import Sources, Stations

Results = Mapping[str, str]
_MADE = (ByState, ByContents, Instance)
_IMPORTERS = (*_MADE, ByReference, ByExpression, ByIdentity)
Stage = Literal["import", "build", "dump", "load", "absent", "hung", "died", "lacking"]
Answers = dict[str, dict[str, Any]]
"""What children, or workers elsewhere, answered, by the ids of the tasks: JSON."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """It was loaded in the other interpreter, and is what was sent. `note` is what the child has to add.

    `also` are the results of what else was tried, by its name: empty, or what went wrong.
    """

    note: str
    also: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not cross: the stage that failed, and the genuine error. Where a worker is `lacking` something, nobody
    knows what would have become of it."""

    stage: Stage
    error: str
    also: Results = field(default_factory=dict)


Trial = Crossed | Failed


@dataclass(frozen=True, slots=True)
class Broken:
    """The interpreter itself cannot be used for a proof, and why."""

    reason: str


class Elsewhere(Protocol):
    """Workers on other machines."""

    def takes(self, scene: Scene, task: Task) -> bool: ...

    def answers(self, scene: Scene, tasks: Sequence[Task]) -> Answers: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One side of a change: the files on it, the trimmed scripts that are run as `__main__`, who runs them.

    Where it is to be `alone`, no other attempt has used its interpreters. What can go `elsewhere` does.
    """

    side: Side
    sources: Sources
    scripts: Mapping[Path, str]
    stations: Stations
    alone: bool = False
    elsewhere: Elsewhere | None = None


def cross(scene: Scene, attempts: Sequence[Attempt]) -> Mapping[str, Trial] | Broken:
    """What becomes of each attempt, by its key: dumped in one interpreter, loaded in another."""
    implied = _implied(attempts)
    keys, tasks = _asked(scene, [a for a in attempts if a.key not in implied])
    away = [task for task in tasks if scene.elsewhere is not None and scene.elsewhere.takes(scene, task)]
    gone = {str(task["id"]) for task in away}
    here = [*_harvest(scene, attempts), *(task for task in tasks if str(task["id"]) not in gone)]
    answers = answered(scene, here) if here else {}
    if isinstance(answers, Broken):
        return answers
    if scene.elsewhere is not None and away:
        answers |= scene.elsewhere.answers(scene, away)
    found = {key: _trial(answers[asked]) for key, asked in keys.items()}
    return found | {key: _imported(answers[keys[by]]) for key, by in implied.items()}


def answered(scene: Scene, tasks: Sequence[Task]) -> Answers | Broken:
    """What children on this machine answer: each task is dumped in one interpreter, and loaded in another.

    Where its module could not be imported to dump it, `unimported` says why; otherwise it is None.
    """
    dumped = _phase(scene, "dump", tasks)
    if isinstance(dumped, Broken):
        return dumped
    parcels = [task | dumped[str(task["id"])] for task in tasks if dumped[str(task["id"])]["stage"] == "dumped"]
    # What one instance answers for arrives once where it is asked for in a row.
    loaded = _phase(scene, "load", sorted(parcels, key=_place))
    if isinstance(loaded, Broken):
        return loaded
    return {name: _answer(first, loaded.get(name, first)) for name, first in dumped.items()}


def _answer(dumped: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    """What went wrong with what else was tried on the sending side stands, however it went on the other."""
    sent = dumped.get("also", {})
    also = {**sent, **last.get("also", {}), **{name: error for name, error in sent.items() if error}}
    return {**last, "also": also, "unimported": dumped["error"] if dumped["stage"] == "import" else None}


def _implied(attempts: Sequence[Attempt]) -> dict[str, str]:
    """The attempts to import a module, each with one that begins with just that: it need not be asked about twice."""
    importers = {a.subject.module: a.key for a in attempts if isinstance(a.subject, _IMPORTERS)}
    asked = [a for a in attempts if isinstance(a.subject, Importing) and a.subject.module in importers]
    return {a.key: importers[a.subject.module] for a in asked}


def _imported(answer: Mapping[str, Any]) -> Trial:
    if answer["stage"] == "lacking":
        return Failed("lacking", answer["error"])
    return Failed("import", answer["unimported"]) if answer["unimported"] is not None else Crossed("")


def _place(task: Task) -> str:
    return repr(task["parcels"])


def _asked(scene: Scene, attempts: Sequence[Attempt]) -> tuple[dict[str, str], list[Task]]:
    """The tasks, those that ask the same once, and for each attempt the key of the one that stands for it."""
    keys: dict[str, str] = {}
    tasks: dict[str, Task] = {}
    for a in attempts:
        task = a.task(scene.side, scene.scripts)
        asked = tasks.setdefault(repr({**task, "id": ""}), task)
        keys[a.key] = str(asked["id"])
    return keys, list(tasks.values())


def _harvest(scene: Scene, attempts: Sequence[Attempt]) -> list[Task]:
    """The run of the user's command that must come before what needs its instances."""
    wanted = [a for a in attempts if a.manner == "harvested"]
    if not wanted:
        return []
    watch = sorted({(a.subject.module, a.subject.cls) for a in wanted if isinstance(a.subject, _MADE)})
    try:
        command = shlex.split(wanted[0].factory)
    except ValueError:  # a quotation that does not end: no program has that name
        command = [wanted[0].factory]
    return [
        {"id": "harvest", "kind": "harvest", "module": "", "command": command, "root": str(Path.cwd()), "watch": watch}
    ]


def _trial(answer: Mapping[str, Any]) -> Trial:
    if answer["stage"] == "crossed":
        return Crossed(answer["note"], answer["also"])
    return Failed(answer["stage"], answer["error"], answer["also"])


def _phase(scene: Scene, mode: str, tasks: Sequence[Task]) -> Answers | Broken:
    """Every task's answer. A child that is lost costs what it was at, and a fresh one goes on with the rest."""
    answers: Answers = {}
    pending = list(tasks)
    while pending:
        request = {"side": scene.side, "tasks": pending}
        ending, lines = scene.stations.ask(mode, scene.sources, request, alone=scene.alone)
        if not lines:
            return Broken(_unusable(scene.stations.python, ending))
        answers.update({line["done"]: line for line in lines if "done" in line})
        pending = [task for task in pending if task["id"] not in answers]
        lost = list(_lost(lines, pending, ending))
        answers.update(lost if lost or not pending else [(str(pending[0]["id"]), _failure(ending))])
        pending = [task for task in pending if task["id"] not in answers]
    return answers


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
