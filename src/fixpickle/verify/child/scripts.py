"""Scripts as subjects: what they define in `__main__`, and what a worker that is spawned runs of them."""

from __future__ import annotations

import contextlib
import io
import sys
import tokenize
import types
from typing import Any, Iterator

from .definitions import Reference
from .failure import Failure, expect, stage
from .modules import blank, resolve
from .picklers import dumps
from .prints import fingerprint
from .world import Dumped, Json, World


@contextlib.contextmanager
def run_as_main(path: str, text: str) -> Iterator[types.ModuleType]:
    """The script at `path`, of which `text` is run, as `__main__`."""
    main = types.ModuleType("__main__")
    main.__file__ = path
    former, sys.modules["__main__"] = sys.modules["__main__"], main
    try:
        with stage("import"):
            exec(compile(text, path, "exec", dont_inherit=True), vars(main))
        yield main
    finally:
        sys.modules["__main__"] = former


class Script(Reference):
    def before(self, world: World, task: Json) -> Dumped:
        with run_as_main(task["script"], task["text"]) as main:
            with stage("build"):
                thing = resolve(main, task["name"])
            return [dumps(blank(thing) if isinstance(thing, type) else thing, "pickle")], {}


def uncommented(line: str) -> str:
    """A line of a script without its comment."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):  # it may end inside a bracket or a string
        for token in tokenize.generate_tokens(io.StringIO(line).readline):
            if token.type == tokenize.COMMENT:
                return line[: token.start[1]].strip()
    return line.strip()


class Respawned:
    """The whole script under the name that a worker gives it, which runs all but what stands under its main guard."""

    def dump(self, world: World, task: Json) -> Dumped:
        text = world.overlay.source(task["script"])
        if world.side == "before":
            lines = text.splitlines(True)
            with world.respawned(task["script"], "".join(lines[: task["line"] - 1])):
                said = uncommented(lines[task["line"] - 1])
            raise Failure("load", "a worker that is spawned runs line %d again: %s" % (task["line"], said))
        with world.respawned(task["script"], text) as script:
            with stage("build"):
                things = [resolve(script, name) for name in task["names"]]
            return [dumps(thing, "pickle") for thing in things], {"prints": list(map(fingerprint, things))}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        for number, name in enumerate(task["names"]):
            thing = resolve(sys.modules["__main__"], name)
            expect(loaded[number] is thing, "%s arrives as another object" % name)
            alike = fingerprint(thing) == facts["prints"][number]
            expect(alike, "the code or signature of %s differs on the other side" % name)
        return ""
