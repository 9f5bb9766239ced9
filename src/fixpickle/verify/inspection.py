"""One live object of the user's, looked at in children: what in it cannot be pickled, and whether it arrives."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixpickle.model import Settings
from fixpickle.verify.launch import Died, Ending, Hung, Limits, Line, Unstartable
from fixpickle.verify.stations import Sources, Stations


@dataclass(frozen=True, slots=True)
class Wanted:
    """The object: an expression in the namespace of a module, evaluated in `folder`. `roots` come first on `sys.path`.

    With `allocations`, memory is traced to find the line that made a part which no source tells of.
    """

    module: str
    expression: str
    folder: Path
    roots: tuple[Path, ...]
    allocations: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a file, and how it is known: by a definition, an assignment, or the allocation of memory."""

    path: Path
    line: int
    by: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the object that plain pickle cannot take.

    `what` is its name or "a " and its type, `kind` its class as `module:Class`, which `defined` is the line of. `made`
    is where this one was made; `bound` where a module binds it, for a function that another made. `cloudpickle` says
    whether that takes it, None where it is not installed; `deepcopy` whether it can be copied.
    """

    path: str
    what: str
    error: str
    kind: str
    defined: Spot | None
    made: Spot | None
    bound: Spot | None
    cloudpickle: bool | None
    deepcopy: bool


@dataclass(frozen=True, slots=True)
class Way:
    """How one way to send the object fares: the error of sending it or of loading it in a fresh process.

    Both are empty where it crosses. `at` is what could not be loaded, by its dotted name, which `defined` is the line
    of. `size` is in bytes.
    """

    name: str
    error: str
    loading: str
    size: int
    at: str = ""
    defined: Spot | None = None

    @property
    def works(self) -> bool:
        return not (self.error or self.loading)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found of an object of the class `kind`. `seconds` is what finding the parts took."""

    kind: str
    ways: tuple[Way, ...]
    parts: tuple[Part, ...]
    seconds: float

    @property
    def crosses(self) -> bool:
        """Whether plain pickle brings it to another process."""
        return next(way for way in self.ways if way.name == "pickle").works


def inspect(wanted: Wanted, settings: Settings) -> Inspection | str:
    """Makes the object in one child of the user's interpreter, and loads it in another; or why that cannot be."""
    limits = Limits(settings.time_limit, settings.memory_limit, settings.process_limit, network=True)
    with contextlib.closing(Stations(settings.python, limits)) as stations:
        sources = Sources({}, {}, wanted.roots)
        common = {"id": "it", "module": wanted.module, "folder": str(wanted.folder)}
        look = {**common, "kind": "look", "expression": wanted.expression, "allocations": wanted.allocations}
        seen = _answer(*stations.ask("dump", sources, {"side": "before", "tasks": [look]}, alone=True))
        if isinstance(seen, str):
            return seen
        parcels = {name: way["parcel"] for name, way in seen["ways"].items() if way["parcel"]}
        arrive = {**common, "kind": "arrive", "parcels": parcels}
        arrived = _answer(*stations.ask("load", sources, {"side": "before", "tasks": [arrive]}, alone=True))
    if isinstance(arrived, str):
        arrived = {"ways": {name: {"error": arrived, "at": "", "defined": None} for name in parcels}}
    return Inspection(
        kind=seen["kind"],
        ways=tuple(_way(name, sent, arrived["ways"].get(name)) for name, sent in seen["ways"].items()),
        parts=tuple(_part(part) for part in seen["leaves"]),
        seconds=seen["seconds"],
    )


def _answer(ending: Ending, lines: list[Line]) -> dict[str, Any] | str:
    """What a child says of its one task, or why it says nothing."""
    done = next((line for line in lines if "done" in line), None)
    if done is not None:
        return str(done["error"]) if "error" in done else done
    match ending:
        case Hung(seconds):
            return f"it hung for {seconds:g} s"
        case Died(reason, said):
            return f"the interpreter {reason}" + (f": {said.splitlines()[-1]}" if said else "")
        case Unstartable(reason):
            return reason
        case _:
            return "the interpreter gave no answer"


def _way(name: str, sent: Mapping[str, Any], arrived: Mapping[str, Any] | None) -> Way:
    loaded = arrived or {"error": "", "at": "", "defined": None}
    return Way(name, sent["error"], loaded["error"], sent["size"], loaded["at"], _spot(loaded["defined"]))


def _part(data: Mapping[str, Any]) -> Part:
    return Part(
        path=data["path"],
        what=data["what"],
        error=data["error"],
        kind=data["type"],
        defined=_spot(data["defined"]),
        made=_spot(data["made"]),
        bound=_spot(data["bound"]),
        cloudpickle=data["cloudpickle"],
        deepcopy=data["deepcopy"],
    )


def _spot(data: Mapping[str, Any] | None) -> Spot | None:
    return Spot(Path(data["path"]), data["line"], data["by"]) if data else None
