"""CPython's own tests, run on its locks, queues and thread-locals and on their counterparts.

`python benchmarks/stdlib_suites.py [PYTHON ...]` does so on each interpreter, without any on every `python3.8` to
`python3.14` of PATH, and writes docs/runtime.md. Interpreters that were installed without the package `test` are named
there. tests/test_runtime_stdlib_suite.py runs the same suites on the Python of the tests.

What runs in those interpreters is this file, with the standard library alone, from Python 3.8.
"""

from __future__ import annotations

import importlib.util
import json
import queue
import shutil
import subprocess
import sys
import threading
import types
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LOCKS = TOP / "src" / "fixpickle" / "runtime" / "locks.py"
PAGE = TOP / "docs" / "runtime.md"
VERSIONS = [f"python3.{minor}" for minor in range(8, 15)]

# Counterpart, the file and class of the tests, and what the class calls the type it tests.
SUITES = [
    ("Lock", "lock_tests", "LockTests", "locktype"),
    ("RLock", "lock_tests", "RLockTests", "locktype"),
    ("shared_lock", "lock_tests", "LockTests", "locktype"),
    ("shared_rlock", "lock_tests", "RLockTests", "locktype"),
    ("Condition", "lock_tests", "ConditionTests", "condtype"),
    ("Condition", "lock_tests", "RLockTests", "locktype"),
    ("Event", "lock_tests", "EventTests", "eventtype"),
    ("Semaphore", "lock_tests", "SemaphoreTests", "semtype"),
    ("BoundedSemaphore", "lock_tests", "BoundedSemaphoreTests", "semtype"),
    ("Barrier", "lock_tests", "BarrierTests", "barriertype"),
    ("local", "test_threading_local", "BaseLocalTest", "_local"),
    ("Queue", "test_queue", "QueueTest", "queue"),
    ("Queue", "test_queue", "FailingQueueTest", "queue"),
    ("LifoQueue", "test_queue", "LifoQueueTest", "queue"),
    ("PriorityQueue", "test_queue", "PriorityQueueTest", "queue"),
    ("SimpleQueue", "test_queue", "BaseSimpleQueueTest", "type2test"),
]
# What is not run, of the original neither: CPython leaves it out of its own run too.
LEFT_OUT = {
    (
        "Condition",
        "RLockTests",
        "test_recursion_count",
    ): "a Condition has no `_recursion_count`; test_threading skips it",
}


def counterparts() -> types.ModuleType:
    """The runtime's file as it is copied beside user code: some tests want a module name without dots in a repr."""
    spec = importlib.util.spec_from_file_location("_fixpickle_locks", str(LOCKS))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def original(kind: str) -> object:
    name = {"shared_lock": "Lock", "shared_rlock": "RLock"}.get(kind, kind)
    return getattr(threading, name, None) or getattr(queue, name)


def case(suite: tuple[str, str, str, str], locks: types.ModuleType | None) -> type[unittest.TestCase]:
    """The tests of a suite, on the counterparts, or on the originals where `locks` is None."""
    kind, file, name, attribute = suite
    base = getattr(importlib.import_module("test." + file), name)
    tested = original(kind) if locks is None else getattr(locks, kind)
    members = {attribute: staticmethod(tested) if file == "lock_tests" else tested}
    if attribute == "condtype":
        members["locktype"] = staticmethod(threading.Lock if locks is None else locks.Lock)
    if file == "test_queue":
        # A queue module as the tests want it: the counterparts, and the rest of the original.
        every = {n: getattr(locks, n, getattr(queue, n)) for n in dir(queue) if not n.startswith("__")}
        members["queue"] = types.SimpleNamespace(**every)
    cases = () if issubclass(base, unittest.TestCase) else (unittest.TestCase,)
    return type(name, (base, *cases), members)


def names(suite: tuple[str, str, str, str]) -> list[str]:
    """The tests of a suite that are run."""
    every = unittest.TestLoader().getTestCaseNames(case(suite, None))
    return [name for name in every if (suite[0], suite[2], name) not in LEFT_OUT]


def outcome(suite: tuple[str, str, str, str], locks: types.ModuleType | None) -> dict:
    """How many tests ran and were skipped, and the names of those that failed."""
    made, result = case(suite, locks), unittest.TestResult()
    for name in names(suite):
        made(name).run(result)
    failed = sorted({test.id().rpartition(".")[2] for test, _ in result.errors + result.failures})
    return {"run": result.testsRun, "skipped": len(result.skipped), "failed": failed}


def run_here() -> None:
    """Every suite on this interpreter, as JSON on stdout."""
    locks = counterparts()
    rows = [[*suite, outcome(suite, None), outcome(suite, locks)] for suite in SUITES]
    json.dump({"version": sys.version.split()[0], "rows": rows}, sys.stdout)


# --- the page -------------------------------------------------------------------------------------------------------

HEAD = """\
<!-- Generated by benchmarks/stdlib_suites.py: `make bench`, or `python benchmarks/stdlib_suites.py PYTHON ...`. -->

# The counterparts of locks, queues and their kin

`bare-lock` and `bare-primitive` exchange a constructor for its counterpart in the module `_fixpickle_locks`. Below is
how the counterparts do in CPython's own tests of the originals (`test.lock_tests`, `test.test_threading_local`,
`test.test_queue`), on each interpreter at hand, beside the originals on the same day and machine.

What pickling makes of each, whatever its state: [bare-lock](rules/bare-lock.md) and
[bare-primitive](rules/bare-primitive.md) say it, `tests/test_runtime_locks.py` shows it.
"""
COST = """
## What they cost

`python benchmarks/locks.py` measures it: the original, the original again and the counterpart take turns, and the ratio
of the two originals is 1.00 within 0.05. Times the original's, on CPython 3.11, 3.12 and 3.13:

| | 3.11 | 3.12 | 3.13 |
|---|---|---|---|
| `Lock`, `with lock:` | 0.70 | 0.64 | 0.66 |
| `Lock`, `lock.acquire(); lock.release()` | 1.45 | 1.19 | 1.15 |
| `Lock()` | 8.8 | 9.0 | 7.5 |
| `RLock`, `with lock:` | 1.03 | 1.04 | 1.02 |
| `RLock`, `lock.acquire(); lock.release()` | 1.14 | 1.18 | 1.19 |
| `RLock()` | 0.56 | 0.56 | 0.49 |

The calls that are spelled out have a reason in the interpreter that no class written in Python gets around:

- The type of `threading.Lock()` cannot be subclassed, so a counterpart holds a lock and has its bound methods in slots.
  Python 3.11 has no fast path for calling what a slot holds, later ones have. Methods written in Python cost at least
  twice the original; an instance dictionary, and bound methods of the type's own descriptors, cost what slots cost.
  `with` finds the slots on the class, and is faster than with the original.
- `RLock` is a subclass, and its methods are the original's own. But the interpreter's fast call of a method of a
  built-in type asks for an object of exactly that type, and for any other the call itself checks the type again.
"""


def cell(result: dict) -> str:
    passed = result["run"] - result["skipped"] - len(result["failed"])
    skipped = f", {result['skipped']} skipped" if result["skipped"] else ""
    failed = ", failed: " + ", ".join(result["failed"]) if result["failed"] else ""
    return f"{passed} of {result['run']}{skipped}{failed}"


def page(reports: list[dict], missing: list[str]) -> str:
    lines = [HEAD]
    for report in reports:
        lines += [
            f"## CPython {report['version']}\n",
            "| counterpart | tests | original passes | counterpart passes |",
        ]
        lines += ["|---|---|---|---|"]
        for kind, file, name, _, before, after in report["rows"]:
            lines.append(f"| `{kind}` | {file}.{name} | {cell(before)} | {cell(after)} |")
        lines.append("")
    lines += [f"Without the package `test`, so not tried: {', '.join(missing)}.\n"] if missing else []
    lines += ["## What is left out\n", "A test that is skipped is skipped by CPython, for both. Not run:\n"]
    lines += [f"- `{t}` of {n} on `{k}`: {reason}." for (k, n, t), reason in LEFT_OUT.items()]
    return "\n".join(lines) + "\n" + COST


def main() -> None:
    asked = sys.argv[1:] or [found for name in VERSIONS if (found := shutil.which(name))]
    reports, missing = [], []
    for python in asked:
        done = subprocess.run([python, __file__, "--here"], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            missing.append(python)
        else:
            reports.append(json.loads(done.stdout))
            worse = [r for r in reports[-1]["rows"] if r[5]["failed"]]
            print(python, "differs" if worse else "passes", *[(r[0], r[5]["failed"]) for r in worse])
    PAGE.write_text(page(reports, missing))


if __name__ == "__main__":
    run_here() if sys.argv[1:] == ["--here"] else main()
