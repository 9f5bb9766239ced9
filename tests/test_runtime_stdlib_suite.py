"""CPython's own tests of its locks, queues and thread-locals, run against the counterparts."""

from __future__ import annotations

import importlib.util
import queue
import types
import unittest
from typing import Any

import pytest

import fixpickle.runtime.locks

lock_tests = pytest.importorskip("test.lock_tests", reason="this interpreter was installed without its tests")
test_queue = pytest.importorskip("test.test_queue")
test_local = pytest.importorskip("test.test_threading_local")

# As a file copied beside user code: some of the tests want a module name without dots in a repr.
_spec = importlib.util.spec_from_file_location("_fixpickle_locks", fixpickle.runtime.locks.__file__)
assert _spec is not None and _spec.loader is not None
locks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(locks)

FACTORIES = {
    "LockTests": {"locktype": locks.Lock},
    "RLockTests": {"locktype": locks.RLock},
    "EventTests": {"eventtype": locks.Event},
    "ConditionTests": {"condtype": locks.Condition},
    "SemaphoreTests": {"semtype": locks.Semaphore},
    "BoundedSemaphoreTests": {"semtype": locks.BoundedSemaphore},
    "BarrierTests": {"barriertype": locks.Barrier},
}
QUEUES = ["QueueTest", "LifoQueueTest", "PriorityQueueTest", "FailingQueueTest", "BaseSimpleQueueTest"]

# A queue module as the tests want it: the counterparts, and the rest of the original.
QUEUE_MODULE = types.SimpleNamespace(
    **{name: getattr(locks, name, getattr(queue, name)) for name in dir(queue) if not name.startswith("__")}
)


def of_locks(name: str) -> type[unittest.TestCase]:
    made = {attribute: staticmethod(factory) for attribute, factory in FACTORIES[name].items()}
    base = getattr(lock_tests, name)
    if name == "ConditionTests":
        made["locktype"] = staticmethod(locks.Lock)
    return type(name, (base,), made)


def of_queues(name: str) -> type[unittest.TestCase]:
    base = getattr(test_queue, name)
    cases = () if issubclass(base, unittest.TestCase) else (unittest.TestCase,)
    members: dict[str, Any] = {"queue": QUEUE_MODULE, "type2test": locks.SimpleQueue}
    if name != "BaseSimpleQueueTest":
        del members["type2test"]
    return type(name, (base, *cases), members)


def of_local(name: str) -> type[unittest.TestCase]:
    base = test_local.BaseLocalTest
    return type(name, (base, unittest.TestCase), {"_local": locks.local})


SUITES = {
    **dict.fromkeys(FACTORIES, of_locks),
    **dict.fromkeys(QUEUES, of_queues),
    "BaseLocalTest": of_local,
}


def collected() -> list[tuple[str, str]]:
    loader = unittest.TestLoader()
    return [(name, test) for name, make in SUITES.items() for test in loader.getTestCaseNames(make(name))]


@pytest.mark.parametrize(("suite", "name"), collected())
def test_the_counterparts_pass_the_tests_of_their_originals(suite, name):
    result = unittest.TestResult()
    SUITES[suite](suite)(name).run(result)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    assert not result.errors + result.failures, (result.errors + result.failures)[0][1]
    assert result.testsRun == 1
