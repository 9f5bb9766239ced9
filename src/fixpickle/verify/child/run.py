"""One child's run: the tasks one after the other, each answered before the next begins."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import sys
from typing import Any, Dict

from .definitions import Identity, Reference, Value
from .failure import Failure, stage, told
from .instances import Contents, Expression, State
from .picklers import decoded, encoded
from .process import Answers, confine
from .scripts import Respawned, Script
from .workers import Workers
from .world import Json, World

_open = io.open


SUBJECTS: Dict[str, Any] = {
    "reference": Reference(),
    "state": State(),
    "contents": Contents(),
    "expression": Expression(),
    "identity": Identity(),
    "value": Value(),
    "script": Script(),
    "respawned": Respawned(),
    "workers": Workers(),
}


def dump(world: World, task: Json) -> Json:
    if task["kind"] == "import":
        world.modules.get(task["module"])
        return {"stage": "crossed", "note": ""}
    parcels, facts = SUBJECTS[task["kind"]].dump(world, task)
    return {"stage": "dumped", "parcels": [encoded(p) for p in parcels], "facts": facts}


def load(world: World, task: Json) -> Json:
    around: Any = contextlib.nullcontext()
    if task["kind"] == "value":
        around = world.without(task["module"])
    elif task["kind"] == "respawned":
        around = world.respawned(task["script"], world.overlay.source(task["script"]))
    with stage("load"), around:
        loaded = [pickle.loads(decoded(p)) for p in task["parcels"]]
        return {"stage": "crossed", "note": SUBJECTS[task["kind"]].check(world, task, loaded, task["facts"])}


def main(mode: str, path: str, out: str) -> None:
    with _open(path, encoding="utf-8") as file:
        tasks = json.load(file)
    confine(tasks["parent"], tasks["megabytes"])
    answers = Answers(out)
    answers.write(ready=os.getpid())
    world = World(tasks, answers, os.path.dirname(os.path.abspath(path)))
    sys.dont_write_bytecode = True
    sys.path[:0] = tasks["roots"]
    sys.meta_path.insert(0, world.overlay)
    sys.argv[:] = [""]
    step = dump if mode == "dump" else load
    for task in tasks["tasks"]:
        answers.write(begin=task["id"])
        try:
            answers.write(done=task["id"], **step(world, task))
        except Failure as failure:
            answers.write(done=task["id"], stage=failure.stage, error=failure.error)
        except BaseException as error:
            answers.write(done=task["id"], stage="build", error=told(error))
