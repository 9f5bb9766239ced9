"""What a subject may ask for: the sources, the modules made from them, and which side of the change this is."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from .failure import stage
from .modules import Modules
from .picklers import loads
from .process import Answers
from .serving import Overlay, Unfound
from .shared import Kept, Parcel, Parcels

Json = Dict[str, Any]
Dumped = Tuple[Sequence[Parcel], Json]


class World:
    """What a subject may ask for: the sources, the modules made from them, and which side of the change this is."""

    def __init__(self, request: Json, answers: Answers, scratch: str) -> None:
        self.side = request["side"]
        self.roots = request["roots"]
        self.scratch = scratch
        self.parcels = Parcels(request["shared"])
        self.overlay = Overlay(request["texts"], request["runs"], Kept(request["codes"]))
        self.unfound = Unfound()
        self.modules = Modules(answers)
        self.also: Dict[str, str] = {}
        self.met: Optional[Dict[Tuple[str, str], List[Any]]] = None
        self.crossings: Dict[str, Any] = {}
        self.arrivals: Dict[str, Dict[str, str]] = {}
        self._loaded: Tuple[List[Any], List[Any]] = ([], [])

    def arrived(self, places: List[Any], pickler: str) -> List[Any]:
        """What the parcels at those places are loaded as: each place once, and not again where it is asked for anew."""
        if self._loaded[0] != places:
            self._loaded = [], []
            parcels = self.parcels.get_all(places)
            loaded = {place: loads(parcel, pickler) for place, parcel in parcels.items()}
            self._loaded = places, [loaded[tuple(place)] for place in places]
        return self._loaded[1]

    @contextlib.contextmanager
    def view(self) -> Iterator[None]:
        """Worker processes copy sys.path from here and have no import hook: they read a view of the roots."""
        places = [os.path.join(self.scratch, "view", str(i)) for i in range(len(self.roots))]
        for i, place in enumerate(places):
            if not os.path.isdir(place):
                self.overlay.materialise(self.roots[i], place)
        former, sys.path[:0] = list(sys.path), places
        try:
            yield
        finally:
            sys.path[:] = former

    @contextlib.contextmanager
    def respawned(self, path: str, text: str) -> Iterator[types.ModuleType]:
        """As in a worker that was spawned and has imported the script at `path`; it may start no process meanwhile."""
        import multiprocessing

        script = types.ModuleType("__mp_main__")
        script.__file__ = path
        process: Any = multiprocessing.current_process()
        former = {name: sys.modules.get(name) for name in ("__main__", "__mp_main__")}
        sys.modules.update(dict.fromkeys(former, script))
        multiprocessing.set_start_method("spawn", force=True)
        process._inheriting = True
        try:
            with stage("import"):
                exec(compile(text, path, "exec", dont_inherit=True), vars(script))
            yield script
        finally:
            del process._inheriting
            sys.modules.update({name: module for name, module in former.items() if module is not None})

    @contextlib.contextmanager
    def without(self, module: str) -> Iterator[None]:
        """As in a worker that does not have the module."""
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if (name + ".").startswith(module + ".")}
        self.overlay.barred = module
        try:
            yield
        finally:
            self.overlay.barred = ""
            sys.modules.update(hidden)


def imported(world: World, task: Json) -> Json:
    """The least that must still work of a module that is edited."""
    world.modules.get(task["module"])
    return {"stage": "crossed", "note": ""}
