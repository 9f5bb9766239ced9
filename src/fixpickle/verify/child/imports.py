"""What an interpreter loads and how long that takes: asked of fresh ones, since this one has loaded much already."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any, Optional

from .failure import Failure, expect, stage
from .serving import METADATA
from .world import Dumped, Json, World

_ROW = re.compile(r"import time:\s*\d+ \|\s*(\d+) \|\s*([\w.]+)\s*$")
_RUNS = 2  # the first may find nothing in the disk's cache


def seconds(module: str, package: str) -> Optional[float]:
    """How long a fresh interpreter that imports `module` takes for `package` and what that loads; None if it does not.

    Source: the second column of `-X importtime`, in microseconds, which counts what is loaded for the first time.
    Raises Failure where the module cannot be imported.
    """
    command = [sys.executable, "-B", "-X", "importtime", "-c", "import " + module]
    path = os.pathsep.join(place for place in sys.path if place)
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=path),
    )
    said = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode:
        last = [line for line in said if not line.startswith("import time:")][-1:]
        raise Failure("import", "%s when importing %s in %s" % (" ".join(last), module, sys.executable))
    rows = [row for row in map(_ROW.match, said) if row is not None]
    return next((int(row.group(1)) / 1e6 for row in rows if row.group(2) == package), None)


def present(world: World, task: Json) -> Json:
    """Which of the modules and the metadata could be found, a line each; none is imported, nor what is above it."""
    return {"stage": "crossed", "note": "\n".join(name for name in task["names"] if _is_there(name))}


def _is_there(name: str) -> bool:
    if name.startswith(METADATA):
        return _is_described(name[len(METADATA) :])
    parts, path = name.split("."), None
    for number in range(1, len(parts) + 1):
        some = (finder.find_spec(".".join(parts[:number]), path) for finder in sys.meta_path)
        spec = next((spec for spec in some if spec is not None), None)
        if spec is None or (number < len(parts) and spec.submodule_search_locations is None):
            return False
        path = spec.submodule_search_locations
    return True


def _is_described(package: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(package)
    except (metadata.PackageNotFoundError, ValueError):  # a name of no letters is none
        return False
    return True


class Weight:
    """How long the import of a package takes, as the note of what crosses."""

    def dump(self, world: World, task: Json) -> Dumped:
        taken = [seconds(task["package"], task["package"]) for _ in range(_RUNS)]
        return [], {"seconds": min(one or 0.0 for one in taken)}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return "%.3f" % facts["seconds"]


class Unloaded:
    """Whether a package stays out of an interpreter that imports a module."""

    def dump(self, world: World, task: Json) -> Dumped:
        with world.view():
            taken = seconds(task["module"], task["package"])
        with stage("dump"):
            expect(
                taken is None,
                "importing %s loads %s, which takes %.2f s" % (task["module"], task["package"], taken or 0),
            )
        return [], {}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return ""
