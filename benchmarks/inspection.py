"""Who names the part that cannot be pickled: `python benchmarks/inspection.py [--write] [--python PATH]`.

Twenty-four nested objects, each with one part that is known to be at fault. fixpickle's path finder, as plain pickle
and as cloudpickle see the object, `ray.util.inspect_serializability` and `dill.detect.badobjects` look at each, in
processes of their own; a look may take ten seconds. Right is who gives the very object at fault among what is given.
`--write` replaces the table in docs/inspect.md. Ray, dill and cloudpickle have to be importable by PATH, or their
column is empty. (It is not called inspect.py: the standard library would find it under that name.)
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import fixpickle.verify.launch

LEAVES = fixpickle.verify.launch.PROBE.with_name("leaves.py")
PAGE = Path(__file__).parent.parent / "docs" / "inspect.md"
MARK = "<!-- measured -->\n"
TOOLS = {
    "fixpickle": "fixpickle, plain pickle",
    "fixpickle-cloud": "fixpickle, cloudpickle",
    "ray": "ray.util.inspect_serializability",
    "dill": "dill.detect.badobjects",
}

OBJECTS = """
import collections, dataclasses, functools, queue, socket, sqlite3, threading, types, weakref

class Box:
    def __init__(self, **parts):
        vars(self).update(parts)
    def method(self, x):
        return x

class Slotted:
    __slots__ = ("a", "b")

class Listed(list):
    pass

class Reduced:
    def __init__(self, part):
        self.part = part
    def __reduce__(self):
        return Reduced, (self.part,)

class State:
    def __init__(self, part):
        self.part, self.cache = part, 1
    def __getstate__(self):
        return {"part": self.part}

@dataclasses.dataclass
class Data:
    name: str
    parts: list

def slotted(part):
    made = Slotted()
    made.a, made.b = 1, part
    return made

def listed(part):
    made = Listed([1])
    made.extra = part
    return made

def closure(part):
    return lambda x: (x, part)

def nested(part, depth):
    return [nested(part, depth - 1)] if depth else part

def cyclic(part):
    one, two = Box(), Box(part=part)
    one.other, two.other = two, one
    return one

def lock(): return threading.Lock()
def stream(): return (n for n in [1])
def anonymous(): return lambda: 0
def local():
    class Local: pass
    return Local

# What is at fault, and what it is put into.
CASES = [
    ("attribute", lock, lambda p: Box(a=1, b=p)),
    ("attribute of an attribute", lock, lambda p: Box(a=Box(b=Box(c=p)))),
    ("list in a dictionary", stream, lambda p: {"k": [1, [2, p]]}),
    ("key of a dictionary", lock, lambda p: Box(table={Box(held=p): 1})),
    ("tuple in a set", lock, lambda p: {(1, p)}),
    ("deque", lock, lambda p: Box(jobs=collections.deque([1, p]))),
    ("slots", lock, lambda p: [slotted(p)]),
    ("attribute of a list of one's own", lock, lambda p: Box(rows=listed(p))),
    ("dataclass", stream, lambda p: Data("n", [Data("m", [p])])),
    ("partial, positional", lock, lambda p: functools.partial(print, 1, p)),
    ("partial, keyword", lock, lambda p: Box(call=functools.partial(print, end=p))),
    ("bound method", lock, lambda p: Box(part=p).method),
    ("closure", lock, lambda p: closure(p)),
    ("closure over a list", lock, lambda p: closure([1, p])),
    ("closure in a closure", lock, lambda p: closure(closure(p))),
    ("default factory", anonymous, lambda p: collections.defaultdict(p)),
    ("__reduce__", lock, lambda p: Box(made=Reduced(p))),
    ("__getstate__", lock, lambda p: [State(p)]),
    ("arguments of an exception", lock, lambda p: ValueError("m", p)),
    ("cycle", lock, lambda p: cyclic(p)),
    ("twelve lists deep", lock, lambda p: nested(p, 12)),
    ("one of 2000 objects", lock, lambda p: [Box(n=n, part=p if n == 1500 else None) for n in range(2000)]),
    ("instance of a local class", local, lambda p: Box(item=p())),
    ("lambda in a table", anonymous, lambda p: {"ops": [abs, p]}),
]
"""

CHILD = """
import importlib.util, io, json, os, signal, sys, time
tool, leaves_path = sys.argv[1:]

def load(path):
    spec = importlib.util.spec_from_file_location("leaves", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

if tool.startswith("fixpickle"):
    leaves = load(leaves_path)
    if tool == "fixpickle-cloud":
        import cloudpickle
        look = lambda root: [leaf.value for leaf in leaves.leaves(root, cloudpickle.Pickler(io.BytesIO()))]
    else:
        look = lambda root: [leaf.value for leaf in leaves.leaves(root)]
elif tool == "ray":
    from ray.util import inspect_serializability
    def look(root):
        _, found = inspect_serializability(root, depth=20, print_file=open(os.devnull, "w"))
        return [failure.obj for failure in found]
else:
    import dill.detect
    def flat(found):
        for one in found.values() if isinstance(found, dict) else [found]:
            yield from flat(one) if isinstance(one, dict) else [one]
    look = lambda root: list(flat(dill.detect.badobjects(root, depth=20)))

class Late(BaseException): pass
def late(*_):
    raise Late
signal.signal(signal.SIGALRM, late)
sys.setrecursionlimit(3000)
import objects
for name, make, put in objects.CASES:
    fault = make()
    root = put(fault)
    start = time.perf_counter()
    signal.alarm(10)
    try:
        found = look(root)
        signal.alarm(0)
        said = "right" if any(one is fault for one in found) else "wrong" if found else "none"
    except Late:
        said = "10 s"
    except BaseException as error:
        signal.alarm(0)
        said = type(error).__name__
    print(json.dumps([name, said, time.perf_counter() - start]), flush=True)
"""


def looked(python: str, tool: str, folder: Path) -> dict[str, tuple[str, float]]:
    """What a tool says of each object, and in how many seconds; nothing where it cannot be imported."""
    (folder / "objects.py").write_text(OBJECTS)
    (folder / "child.py").write_text(CHILD)
    command = [python, "child.py", tool, str(LEAVES)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode and not done.stdout:
        print(f"{tool}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return {name: (said, seconds) for name, said, seconds in map(json.loads, done.stdout.splitlines())}


def table(results: dict[str, dict[str, tuple[str, float]]]) -> list[str]:
    rows = [f"| at fault in | {' | '.join(TOOLS.values())} |", f"|---|{'---|' * len(TOOLS)}"]
    for name in next(iter(results.values())):
        said = (results[tool].get(name) for tool in TOOLS)
        rows.append(f"| {name} | {' | '.join(one[0] if one else '' for one in said)} |")
    right = {tool: sum(one[0] == "right" for one in found.values()) for tool, found in results.items()}
    times = {tool: [one[1] * 1000 for one in found.values()] for tool, found in results.items()}
    rows.append("| **right** | " + " | ".join(f"{right[t]} of {len(results[t])}" for t in TOOLS) + " |")
    middle = (f"{statistics.median(times[t]):.2f} / {max(times[t]):.1f}" if times[t] else "" for t in TOOLS)
    rows.append(f"| milliseconds, median / most | {' | '.join(middle)} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--python", default=sys.executable)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {tool: looked(chosen.python, tool, Path(folder)) for tool in TOOLS}
    rows = table(results)
    print("\n".join(rows))
    if chosen.write:
        head, _, rest = PAGE.read_text("utf-8").partition(MARK)
        rows = [f"CPython {platform.python_version()}.", "", *rows]
        PAGE.write_text(head + MARK + "\n".join(rows) + "\n" + MARK + rest.partition(MARK)[2], "utf-8")


if __name__ == "__main__":
    main()
