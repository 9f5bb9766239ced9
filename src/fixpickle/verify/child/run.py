"""One child's run: the tasks one after the other, each answered before the next begins."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from typing import Any, Callable, Dict

from .cells import Cells
from .definitions import Identity, Reference, Value
from .failure import Failure, stage, told
from .harvest import harvest
from .imports import Unloaded, Weight
from .instances import Contents, Expression, State
from .loky import Loky
from .looking import arrive, look
from .process import Answers, confine, requests
from .scripts import Respawned, Script
from .trainables import Call, Trainable, Trial
from .workers import Workers
from .world import Json, World

SUBJECTS: Dict[str, Any] = {
    "reference": Reference(),
    "state": State(),
    "contents": Contents(),
    "expression": Expression(),
    "identity": Identity(),
    "value": Value(),
    "call": Call(),
    "trainable": Trainable(),
    "trial": Trial(),
    "script": Script(),
    "respawned": Respawned(),
    "workers": Workers(),
    "loky": Loky(),
    "cells": Cells(),
    "weight": Weight(),
    "unloaded": Unloaded(),
}


def dump(world: World, task: Json) -> Json:
    if task["kind"] == "harvest":
        harvest(world, task)
        return {"stage": "crossed", "note": ""}
    if task["kind"] == "import":
        world.modules.get(task["module"])
        return {"stage": "crossed", "note": ""}
    if task["kind"] == "look":
        return look(world, task)
    parcels, facts = SUBJECTS[task["kind"]].dump(world, task)
    return {"stage": "dumped", "parcels": [world.parcels.put(p) for p in parcels], "facts": facts}


def load(world: World, task: Json) -> Json:
    if task["kind"] == "arrive":
        return arrive(world, task)
    around: Any = contextlib.nullcontext()
    if task["kind"] == "value":
        around = world.without(task["module"])
    elif task["kind"] == "respawned":
        around = world.respawned(task["script"], world.overlay.source(task["script"]))
    with stage("load"), around:
        loaded = [pickle.loads(world.parcels.get(p)) for p in task["parcels"]]
        return {"stage": "crossed", "note": SUBJECTS[task["kind"]].check(world, task, loaded, task["facts"])}


def main(mode: str, folder: str) -> None:
    answers, world = Answers(), None
    step = dump if mode == "dump" else load
    for request in requests(folder, answers):
        if world is None:
            remark = confine(request["parent"], request["megabytes"], request["processes"], request["network"])
            world = _prepared(request, answers, folder)
            answers.write(ready=os.getpid(), **{"remark": remark} if remark else {})
        answers.write(side=request["side"])
        world.side = request["side"]
        for task in request["tasks"]:
            answers.write(begin=task["id"])
            world.also = {}
            answers.write(done=task["id"], **_outcome(step, world, task), also=world.also)
        world.overlay.kept.save()


def _prepared(request: Json, answers: Answers, folder: str) -> World:
    world = World(request, answers, folder)
    sys.dont_write_bytecode = True
    sys.path[:0] = request["roots"]
    sys.meta_path.insert(0, world.overlay)
    sys.argv[:] = [""]
    return world


def _outcome(step: Callable[[World, Json], Json], world: World, task: Json) -> Json:
    try:
        return step(world, task)
    except Failure as failure:
        return {"stage": failure.stage, "error": failure.error}
    except BaseException as error:
        return {"stage": "build", "error": told(error)}
