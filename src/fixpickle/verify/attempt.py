"""One way to exercise one subject of a patch: how it is put to the child, and in what words a report names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fixpickle.model import (
    ByCall,
    ByContents,
    ByExpression,
    ByIdentity,
    ByReference,
    ByState,
    ByValue,
    CellsRun,
    FromScript,
    ImportWeight,
    Instance,
    LokyTrip,
    Respawned,
    Subject,
    Trainable,
    Unloaded,
    WorkerState,
)
from fixpickle.verify.script import roots_of

Side = Literal["before", "after"]
Task = dict[str, object]
"""What the child reads: JSON."""

Manner = Literal["", "factory", "harvested", "constructor", "obvious", "part", "trial"]


@dataclass(frozen=True, slots=True)
class Importing:
    """A module that a patch edits: the least that must still work. It proves nothing."""

    module: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to exercise one subject of the patch with that index. `manner` says how an instance is made.

    `boundary` names the pickler that is tried besides. What attributes hold that some fix of the run has `touched` need
    not arrive as it was. An instance is `used` before it is pickled where the user wants that. Attributes `beside` are
    those that other attempts ask of the same class: one instance answers for all.
    """

    patch: int
    number: int
    subject: Subject | Importing
    manner: Manner = ""
    factory: str = ""
    boundary: str = ""
    touched: tuple[str, ...] = ()
    used: bool = False
    beside: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.patch}.{self.number}"

    @property
    def how(self) -> str:
        """What was exercised, in the words of a report."""
        match self.subject:
            case ByReference(module, name, _, bound):
                return f"{module}.{name} by reference" + (", with its bound arguments" if bound else "")
            case FromScript(_, module, name):
                return f"{module}.{name} by reference"
            case ByIdentity(module, name):
                return f"{module}.{name} arrives as itself"
            case Respawned(script, _, names):
                found = f", which finds {', '.join(names)} in it" if names else ""
                return f"{script.name} imported as a worker that is spawned imports it{found}"
            case ByValue(module, name):
                return f"{module}.{name} by value"
            case ByExpression(after=after):
                return f"the value of {after}"
            case ByCall(after=after):
                return f"{after.partition('(')[0]} takes these arguments"
            case Trainable():
                return _of_tune(self.subject, self.manner == "trial")
            case ByState() | ByContents() | Instance():
                return _of_instance(self.subject, self.manner, self.factory)
            case WorkerState(state=state):
                return f"a real run: every task on joblib's workers saw the {state} setting"
            case ImportWeight(module):
                return f"the import of {module}"
            case CellsRun(notebook):
                return f"a real run: every cell of {notebook.name} ran"
            case Unloaded(module, package):
                return f"a fresh interpreter imports {module} without {package}"
            case LokyTrip(module, names, library, by_value):
                ways = "loky's default pickler" + ("" if by_value else ", and with plain pickle")
                sent = ", ".join(f"{module}.{name}" for name in names)
                return f"a real round trip of {sent} through a worker of {library} with {ways}"
            case Importing(module):
                return f"{module} imports"

    @property
    def unexercised(self) -> str:
        """What a proof by this attempt leaves out, in the words of a report."""
        match self.subject:
            case ByState() | ByContents() | Instance():
                used = "" if self.used else "its methods were not called"
                other = "no constructor ran, so nothing else was in it" if self.manner == "part" else ""
                return "; ".join(filter(None, (other, used)))
            case ByReference() | FromScript() | ByValue():
                return "it was not called"
            case _:
                return ""

    def names(self, side: Side) -> frozenset[str]:
        """The top-level names of its module that it needs on that side."""
        match self.subject:
            case ByReference(name=name) | ByIdentity(name=name) | ByValue(name=name) | FromScript(name=name):
                return roots_of(name)
            case Unloaded(names=names):
                return frozenset(names)
            case ImportWeight() | CellsRun():
                return frozenset()
            case LokyTrip(names=names):
                return frozenset(names)
            case ByState(cls=cls, before=before, after=after, holds=holds):
                given = frozenset[str]().union(*(roots_of(expression) for _, expression in holds))
                return roots_of(cls) | roots_of(before if side == "before" else after) | given
            case ByContents(cls=cls, holds=holds, fill=fill):
                made = [roots_of(expression) for _, expression in holds]
                return frozenset().union(roots_of(cls), roots_of(fill), *made)
            case ByExpression(before=before, after=after) | ByCall(before=before, after=after):
                return roots_of(before if side == "before" else after)
            case Trainable(name=name):
                return roots_of(name)
            case Instance(cls=cls):
                return roots_of(cls)
            case Respawned(names=names):
                return frozenset(names)
            case WorkerState(_, before, after, _, register):
                parallel, delayed = before if side == "before" else after
                called = roots_of(register) if side == "after" else frozenset[str]()
                return roots_of(parallel) | roots_of(delayed) | called
            case Importing():
                return frozenset()

    def task(self, side: Side, scripts: Mapping[Path, str]) -> Task:
        """The question to the child. `scripts` holds the trimmed texts of scripts that are run as `__main__`."""
        asked: Task = {"id": self.key, "module": self.subject.module, "boundary": self.boundary}
        return asked | self._question(side, scripts)

    def _question(self, side: Side, scripts: Mapping[Path, str]) -> Task:
        match self.subject:
            case ByReference(_, name, origin, bound):
                return {"kind": "reference", "name": name, "origin": origin.name, "line": origin.line, "bound": bound}
            case FromScript(script, _, name):
                text = scripts.get(script, "")
                return {"kind": "script", "name": name, "script": str(script), "text": text, "bound": 0}
            case ByState(_, cls, attribute, before, after, pickler, holds, dropped):
                expression = before if side == "before" else after
                made: Task = self._making() | {"expression": expression}
                made |= {"holds": holds, "dropped": dropped}
                return made | {"kind": "state", "cls": cls, "attribute": attribute, "pickler": pickler}
            case Instance(_, cls, pickler):
                made = self._making() | {"expression": "", "dropped": False}
                return made | {"kind": "state", "cls": cls, "attribute": "", "pickler": pickler}
            case ByContents(_, cls, holds, dropped, fill, pickler):
                made = self._making() | {"holds": dict(holds), "fill": fill}
                return made | {"kind": "contents", "cls": cls, "dropped": list(dropped), "pickler": pickler}
            case ByExpression(_, before, after, pickler):
                return {"kind": "expression", "expression": before if side == "before" else after, "pickler": pickler}
            case ByIdentity(_, name):
                return {"kind": "identity", "name": name}
            case ByCall(_, before, after):
                return {"kind": "call", "call": before if side == "before" else after}
            case Trainable(_, name, script):
                kind = "trial" if self.manner == "trial" else "trainable"
                text = scripts.get(script, "") if script else ""
                return {"kind": kind, "name": name, "script": str(script or ""), "text": text}
            case Respawned(script, _, names, line):
                return {"kind": "respawned", "script": str(script), "names": list(names), "line": line}
            case ByValue(_, name):
                return {"kind": "value", "name": name}
            case WorkerState():
                return _workers(self.subject, side)
            case CellsRun(notebook):
                return {"kind": "cells", "script": str(notebook)}
            case ImportWeight(module):
                return {"kind": "weight", "package": module}
            case Unloaded(_, package):
                return {"kind": "unloaded", "package": package}
            case LokyTrip(_, names, library, by_value):
                return {"kind": "loky", "names": list(names), "library": library, "by_value": by_value}
            case Importing():
                return {"kind": "import"}

    def _making(self) -> Task:
        made: Task = {"manner": self.manner, "factory": self.factory}
        return made | {"touched": list(self.touched), "used": self.used, "beside": list(self.beside)}


def _of_instance(subject: ByState | ByContents | Instance, manner: str, factory: str) -> str:
    made = {
        "factory": f"an instance from your factory {factory}",
        "harvested": f"an instance that `{factory}` made",
        "constructor": "an instance from its constructor",
        "obvious": "an instance from its constructor, with made-up arguments",
    }.get(manner, "an instance holding only what the fix touches")
    if isinstance(subject, ByState) and subject.dropped:
        return f"{made}, something that cannot be pickled put in {subject.attribute}"
    if isinstance(subject, Instance) and subject.pickler != "pickle":
        return f"{made}, pickled by {subject.pickler}"
    return made


def _of_tune(subject: Trainable, real: bool) -> str:
    if real and subject.script is not None:
        return f"a real run: one trial of what {subject.script.name} gives Ray Tune"
    owner = "__main__" if subject.script else subject.module
    return f"{owner}.{subject.name} made a trainable and shipped as Ray Tune ships it"


def _workers(subject: WorkerState, side: Side) -> Task:
    parallel, delayed = subject.before if side == "before" else subject.after
    register = subject.register if side == "after" else ""
    return {"kind": "workers", "parallel": parallel, "delayed": delayed, "state": subject.state, "register": register}
