"""One child's run: the tasks one after the other, each answered before the next begins."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import marshal
import os
import sys
from typing import Any, Callable, Dict

from .failure import Failure, stage, told
from .process import Answers, confine, requests
from .world import Json, World

_open = io.open

# Each kind of task, and where it is worked off: by a class that dumps and checks, or by a function that does all of it.
# What no task asks for is not imported: it would be there already when user code runs.
SUBJECTS: Dict[str, str] = {
    "reference": "definitions.Reference",
    "state": "instances.State",
    "contents": "instances.Contents",
    "expression": "instances.Expression",
    "identity": "definitions.Identity",
    "value": "definitions.Value",
    "call": "trainables.Call",
    "trainable": "trainables.Trainable",
    "trial": "trainables.Trial",
    "script": "scripts.Script",
    "respawned": "scripts.Respawned",
    "workers": "workers.Workers",
    "loky": "loky.Loky",
    "cells": "cells.Cells",
    "weight": "imports.Weight",
    "unloaded": "imports.Unloaded",
}
STEPS: Dict[str, str] = {
    "import": "world.imported",
    "harvest": "harvest.harvest",
    "look": "looking.look",
    "arrive": "looking.arrive",
    "present": "imports.present",
}


@functools.lru_cache(maxsize=None)
def worker(kind: str) -> Any:
    """The subject or the step of that kind."""
    module, _, name = (SUBJECTS.get(kind) or STEPS[kind]).partition(".")
    found = getattr(importlib.import_module("." + module, __package__), name)
    return found() if kind in SUBJECTS else found


def dump(world: World, task: Json) -> Json:
    if task["kind"] in STEPS:
        return dict(worker(task["kind"])(world, task))
    parcels, facts = worker(task["kind"]).dump(world, task)
    return {"stage": "dumped", "parcels": world.parcels.put_all(parcels), "facts": facts}


def load(world: World, task: Json) -> Json:
    if task["kind"] in STEPS:
        return dict(worker(task["kind"])(world, task))
    around: Any = contextlib.nullcontext()
    if task["kind"] == "value":
        around = world.without(task["module"])
    elif task["kind"] == "respawned":
        around = world.respawned(task["script"], world.overlay.source(task["script"]))
    with stage("load"), around:
        loaded = world.arrived(task["parcels"], task.get("pickler", "pickle"))
        return {"stage": "crossed", "note": worker(task["kind"]).check(world, task, loaded, task["facts"])}


def main(mode: str, folder: str) -> None:
    answers, world = Answers(), None
    step = dump if mode == "dump" else load
    for request in requests(folder, answers):
        for kind in {task["kind"] for task in request["tasks"]}:
            worker(kind)
        if world is None:
            remark = confine(request["parent"], request["megabytes"], request["processes"], request["network"])
            world = _prepared(request, answers, folder)
            answers.write(ready=os.getpid(), **{"remark": remark} if remark else {})
        answers.write(side=request["side"])
        world.side = request["side"]
        for task in request["tasks"]:
            answers.write(begin=task["id"])
            world.also = {}
            outcome = _outcome(step, world, task)
            if world.unfound.names:
                answers.hold(missed=world.unfound.taken())
            answers.hold(done=task["id"], **outcome, also=world.also)
        if request.get("save"):
            world.overlay.kept.save()


def _prepared(request: Json, answers: Answers, folder: str) -> World:
    with _open(request["sources"], "rb") as file:
        world = World({**request, **marshal.load(file)}, answers, folder)
    sys.dont_write_bytecode = True
    sys.path[:0] = world.roots
    sys.meta_path.insert(0, world.overlay)
    if request.get("abroad"):
        sys.meta_path.append(world.unfound)
    sys.argv[:] = [""]
    return world


def _outcome(step: Callable[[World, Json], Json], world: World, task: Json) -> Json:
    try:
        return step(world, task)
    except Failure as failure:
        return {"stage": failure.stage, "error": failure.error}
    except BaseException as error:
        return {"stage": "build", "error": told(error)}
