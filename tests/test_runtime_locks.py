"""`fixpickle.runtime.locks`: in one process like the originals, and what they become in another."""

from __future__ import annotations

import copy
import gc
import pickle
import queue
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixpickle.runtime import locks

KINDS = [
    "Lock",
    "RLock",
    "Condition",
    "Event",
    "Semaphore",
    "BoundedSemaphore",
    "local",
    "Queue",
    "LifoQueue",
    "PriorityQueue",
    "SimpleQueue",
]
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
COPIES = {
    **{f"protocol {p}": (lambda value, p=p: pickle.loads(pickle.dumps(value, p))) for p in range(6)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def original(kind: str) -> Any:
    return getattr(threading if hasattr(threading, kind) else queue, kind)


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def free_elsewhere(lock: Any) -> bool:
    """Whether another thread can take the lock now."""
    with ThreadPoolExecutor(1) as other:
        taken = other.submit(lock.acquire, blocking=False).result()
        if taken:
            other.submit(lock.release).result()
    return taken


@pytest.fixture(params=COPIES, ids=str)
def duplicate(request):
    return COPIES[request.param]


# --- every kind -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_originals_do_not_pickle_and_the_counterparts_do(kind, duplicate):
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(original(kind)())
    here = getattr(locks, kind)()
    there = duplicate(here)
    assert type(there) is type(here)
    assert there is not here


@pytest.mark.parametrize("kind", KINDS)
def test_a_counterpart_is_weakly_referable_where_the_original_is(kind):
    made = getattr(locks, kind)()
    reference = weakref.ref(made)
    weakref.ref(original(kind)())
    del made
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "Lock"])
def test_a_counterpart_is_an_instance_of_its_original(kind):
    base = original(kind) if isinstance(original(kind), type) else type(original(kind)())
    assert isinstance(getattr(locks, kind)(), base)


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Condition", "BoundedSemaphore"])
def test_what_is_held_arrives_free_and_stays_held_here(kind, duplicate):
    here = getattr(locks, kind)()
    here.acquire()
    assert free_elsewhere(duplicate(here))
    assert not free_elsewhere(here)
    here.release()


def test_what_two_attributes_share_they_share_after_loading(duplicate):
    if duplicate is copy.copy:
        pytest.skip("a shallow copy of a tuple is the tuple")
    for kind in KINDS:
        one = getattr(locks, kind)()
        first, second = duplicate((one, one))
        assert first is second


@dataclass
class Service:
    lock: Any = field(default_factory=locks.Lock)
    by_key: Any = field(default_factory=lambda: defaultdict(locks.RLock))


def test_they_work_as_default_factories():
    service = Service()
    service.by_key["a"].acquire()
    arrived = again(service)
    assert set(arrived.by_key) == {"a"}
    assert isinstance(arrived.by_key["b"], locks.RLock)
    assert arrived.lock is not service.lock


def test_cloudpickle_takes_them_in_functions_shipped_by_value():
    cloudpickle = pytest.importorskip("cloudpickle")
    guard, tasks = locks.Lock(), locks.Queue()
    tasks.put(7)

    def task():
        with guard:
            return tasks.get_nowait()

    with guard:
        shipped = cloudpickle.dumps(task)
    assert pickle.loads(shipped)() == 7


# --- Lock, RLock ----------------------------------------------------------------------------------------------------


def test_a_lock_is_not_reentrant_and_an_rlock_is():
    lock, rlock = locks.Lock(), locks.RLock()
    with lock, rlock:
        assert not lock.acquire(blocking=False)
        assert lock.acquire(timeout=0.01) is False
        assert rlock.acquire(blocking=False)
        rlock.release()


def test_a_lock_is_released_by_any_thread_and_an_rlock_only_by_its_holder():
    lock, rlock = locks.Lock(), locks.RLock()
    lock.acquire()
    rlock.acquire()
    with ThreadPoolExecutor(1) as other:
        other.submit(lock.release).result()
        with pytest.raises(RuntimeError):
            other.submit(rlock.release).result()
    assert not lock.locked()
    rlock.release()


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_errors_and_arguments_are_those_of_the_original(kind):
    for make in (original(kind), getattr(locks, kind)):
        with pytest.raises(RuntimeError):
            make().release()
        with pytest.raises(ValueError):
            make().acquire(False, timeout=1)
        with pytest.raises(ValueError):
            make().acquire(timeout=-2)
        with pytest.raises(TypeError):
            make().acquire(wait=1)
        with pytest.raises(AttributeError):
            make().no_such_attribute = 1
    with pytest.raises(TypeError):
        locks.Lock(1)


def test_leaving_a_with_block_by_an_exception_releases():
    lock = locks.Lock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert not lock.locked()


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_repr_says_whether_it_is_held(kind):
    lock = getattr(locks, kind)()
    assert repr(lock).startswith("<unlocked ") and kind in repr(lock)
    with lock:
        assert repr(lock).startswith("<locked ")


@pytest.mark.parametrize("shared", [locks.shared_lock, locks.shared_rlock])
def test_a_shared_lock_is_one_per_name_however_it_arrives(shared, duplicate):
    lock = shared("jobs")
    assert shared("jobs") is lock and shared("other") is not lock
    assert duplicate(lock) is lock
    with lock:
        assert not free_elsewhere(duplicate(lock))


def test_shared_locks_of_both_kinds_under_one_name_are_two():
    assert isinstance(locks.shared_rlock("both"), locks.RLock)
    assert isinstance(locks.shared_lock("both"), locks.Lock)


def test_threads_that_ask_at_once_for_a_new_shared_lock_get_the_same():
    with ThreadPoolExecutor(8) as pool:
        for name in map(str, range(50)):
            assert len({id(lock) for lock in pool.map(lambda _, n=name: locks.shared_lock(n), range(16))}) == 1


# --- Condition, Event, Semaphore, Barrier ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [locks.Lock, locks.RLock, threading.Lock, threading.RLock])
def test_a_condition_keeps_the_kind_of_its_lock_and_works_after_loading(make, duplicate):
    lock = make()
    condition = locks.Condition(lock)
    assert condition._lock is lock
    arrived = duplicate(condition)
    assert ("RLock" in type(arrived._lock).__name__) == ("RLock" in type(lock).__name__)
    answers = []

    def wait():
        with arrived:
            answers.append(arrived.wait(5))

    thread = threading.Thread(target=wait)
    thread.start()
    while not arrived._waiters:
        time.sleep(0.001)
    with arrived:
        arrived.notify_all()
    thread.join()
    assert answers == [True]


@pytest.mark.parametrize("make", [locks.Lock, locks.RLock, lambda: locks.shared_lock("condition")])
def test_a_condition_and_the_lock_it_was_built_on_stay_together(make):
    lock = make()
    condition, arrived = again((locks.Condition(lock), lock))
    assert condition._lock is arrived
    arrived, condition = again((lock, locks.Condition(lock)))
    assert condition._lock is arrived


def test_conditions_over_one_plain_lock_stay_over_one_lock():
    plain = threading.Lock()
    first, second = again([locks.Condition(plain), locks.Condition(plain)])
    assert first._lock is second._lock
    assert type(first._lock) is locks.Lock


def test_a_copied_condition_shares_neither_lock_nor_waiters():
    condition = locks.Condition()
    condition.note = note = ["kept"]
    duplicate = copy.copy(condition)
    assert duplicate._lock is not condition._lock and duplicate._waiters is not condition._waiters
    assert duplicate.note is note


@pytest.mark.parametrize("set_before", [True, False])
def test_an_event_keeps_its_flag(set_before, duplicate):
    event = locks.Event()
    if set_before:
        event.set()
    arrived = duplicate(event)
    assert arrived.is_set() is set_before
    arrived.set()
    assert arrived.wait(0) and event.is_set() is set_before


def test_a_semaphore_keeps_its_counter(duplicate):
    semaphore = locks.Semaphore(3)
    semaphore.acquire()
    arrived = duplicate(semaphore)
    assert [arrived.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_a_bounded_semaphore_arrives_free_and_with_its_bound(duplicate):
    semaphore = locks.BoundedSemaphore(2)
    semaphore.acquire()
    arrived = duplicate(semaphore)
    with pytest.raises(ValueError):
        arrived.release()
    assert [arrived.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_a_broken_barrier_arrives_whole_with_its_parties_action_and_timeout(duplicate):
    barrier = locks.Barrier(2, action=time.time, timeout=7)
    barrier.abort()
    arrived = duplicate(barrier)
    assert barrier.broken and not arrived.broken
    assert (arrived.parties, arrived.n_waiting, arrived._action, arrived._timeout) == (2, 0, time.time, 7)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: arrived.wait(5), range(2))) == [0, 1]


class Named(locks.Event):
    __slots__ = ("slot",)

    def __init__(self, name):
        super().__init__()
        self.name, self.slot = name, name * 2


class Hooked(locks.Semaphore):
    def __getstate__(self):
        return {"_value": 9, "hooked": True}

    def __setstate__(self, state):
        self.__dict__.update(state, seen=True)


class Rebuilt(locks.Event):
    def __reduce__(self):
        return Rebuilt, ()


def test_subclasses_keep_constructors_slots_and_hooks_of_their_own():
    named = again(Named("n"))
    assert (named.name, named.slot, named.is_set()) == ("n", "nn", False)
    hooked = again(Hooked())
    assert (hooked._value, hooked.hooked, hooked.seen, hooked.acquire(timeout=1)) == (9, True, True, True)
    assert type(again(Rebuilt())) is Rebuilt


# --- local ----------------------------------------------------------------------------------------------------------


class Connection(locks.local):
    made = 0

    def __init__(self, host, *, port=1):
        self.host, self.port = host, port
        type(self).made += 1


def test_a_local_starts_empty_and_is_separate_in_each_thread(duplicate):
    here = locks.local()
    here.value = 1
    arrived = duplicate(here)
    assert vars(arrived) == {}
    arrived.value = 2
    with ThreadPoolExecutor(1) as other:
        assert other.submit(hasattr, arrived, "value").result() is False
    assert (here.value, arrived.value) == (1, 2)


def test_a_subclass_of_local_keeps_its_constructor_arguments(duplicate):
    arrived = duplicate(Connection("h", port=5))
    assert (arrived.host, arrived.port) == ("h", 5)
    made = Connection.made
    with ThreadPoolExecutor(1) as other:
        assert other.submit(getattr, arrived, "host").result() == "h"
    assert Connection.made == made + 1


def test_a_local_refuses_arguments_it_has_no_constructor_for():
    with pytest.raises(TypeError):
        locks.local(1)


# --- queues ---------------------------------------------------------------------------------------------------------


def drained(items: Any) -> list[Any]:
    return [items.get_nowait() for _ in range(items.qsize())]


@pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"])
def test_a_queue_keeps_its_items_in_order_and_the_copy_is_independent(kind, duplicate):
    made = getattr(locks, kind)()
    for item in (3, 1, 2):
        made.put(item)
    arrived = duplicate(made)
    arrived.put(9)
    expected = {"Queue": [3, 1, 2, 9], "LifoQueue": [9, 2, 1, 3], "PriorityQueue": [1, 2, 3, 9]}
    assert drained(arrived) == expected.get(kind, [3, 1, 2, 9])
    assert made.qsize() == 3
    with pytest.raises(queue.Empty):
        arrived.get(timeout=0.01)


@pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue"])
def test_a_queue_keeps_its_bound_and_waits_only_for_what_it_holds(kind, duplicate):
    made = getattr(locks, kind)(2)
    made.put(1)
    made.put(2)
    made.get()
    arrived = duplicate(made)
    arrived.put(3)
    with pytest.raises(queue.Full):
        arrived.put_nowait(4)
    for _ in drained(arrived):
        arrived.task_done()
    arrived.join()
    with pytest.raises(ValueError):
        arrived.task_done()


def test_a_queue_whose_mutex_the_thread_holds_is_pickled_all_the_same(monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE", 0.01)
    made = locks.Queue()
    made.put(1)
    with made.mutex:
        arrived = again(made)
    assert drained(arrived) == [1]
    assert not made.mutex.locked()


def test_a_queue_is_pickled_whole_while_other_threads_use_it():
    made, stop = locks.Queue(), threading.Event()
    for item in range(8):
        made.put(item)

    def rotate():
        while not stop.is_set():
            made.put(made.get())

    threads = [threading.Thread(target=rotate) for _ in range(2)]
    for thread in threads:
        thread.start()
    sizes = {again(made).qsize() for _ in range(200)}
    stop.set()
    for thread in threads:
        thread.join()
    assert sizes <= {6, 7, 8}


class Unique(locks.Queue):
    """The well-known recipe: a queue with storage of its own."""

    def __init__(self, label):
        super().__init__(5)
        self.label = label

    def _init(self, maxsize):
        self.queue = set()

    def _put(self, item):
        self.queue.add(item)

    def _get(self):
        return self.queue.pop()


class Tagged(locks.SimpleQueue):
    def __init__(self, tag):
        self.tag = tag


def test_subclasses_of_queues_keep_storage_and_attributes_of_their_own(duplicate):
    unique = Unique("u")
    unique.put(1)
    unique.put(1)
    arrived = duplicate(unique)
    unique.put(2)
    assert (arrived.label, arrived.maxsize, arrived.queue) == ("u", 5, {1})
    tagged = Tagged("t")
    tagged.put(None)
    assert (duplicate(tagged).tag, duplicate(tagged).get_nowait()) == ("t", None)


def test_a_queue_that_holds_itself_arrives():
    for made in (locks.Queue(), locks.SimpleQueue()):
        made.put(made)
        arrived = again(made)
        assert arrived.get() is arrived


# --- other processes, other interpreters ----------------------------------------------------------------------------

SOURCE = Path(locks.__file__)
PRODUCE = """
import pickle, sys, threading
import _fixpickle_locks as L
from subjects import *

held = {kind: getattr(L, kind)() for kind in ("Lock", "RLock", "Condition", "BoundedSemaphore")}
for lock in held.values():
    lock.acquire()
event, semaphore, barrier = L.Event(), L.Semaphore(3), L.Barrier(2, timeout=3)
event.set(); semaphore.acquire(); barrier.abort()
lock = L.Lock()
queues = [L.Queue(4), L.LifoQueue(4), L.PriorityQueue(4), L.SimpleQueue()]
for queue in queues:
    queue.put(2); queue.put(1)
value = dict(
    held=held, event=event, semaphore=semaphore, barrier=barrier, pair=(L.Condition(lock), lock), queues=queues,
    plain=L.Condition(threading.Lock()), session=Session("host", port=2),
    shared=[L.shared_lock("a"), L.shared_rlock("a")],
)
sys.stdout.buffer.write(pickle.dumps(value, int(sys.argv[1])))
"""
CONSUME = """
import pickle, sys, threading
data = sys.stdin.buffer.read()
value, second = pickle.loads(data), pickle.loads(data)
import _fixpickle_locks as L

for kind, lock in value["held"].items():
    assert type(lock) is getattr(L, kind), lock
    assert lock.acquire(timeout=1)
    assert kind == "Condition" or kind == "RLock" or not lock.acquire(False)
    with second["held"][kind]:
        lock.release()
assert value["event"].is_set() and value["semaphore"]._value == 2
assert not value["barrier"].broken and value["barrier"].parties == 2
condition, lock = value["pair"]
assert condition._lock is lock
assert type(value["plain"]._lock) is L.Lock
with condition:
    condition.notify_all()
queues = value["queues"]
assert [[q.get(), q.get()] for q in queues] == [[2, 1], [1, 2], [1, 2], [2, 1]]
assert [q.maxsize for q in queues[:3]] == [4, 4, 4]
assert vars(value["session"]) == {"host": "host", "port": 2}
assert value["shared"] == second["shared"] == [L.shared_lock("a"), L.shared_rlock("a")]
print("crossed")
"""
SUBJECTS = """
import _fixpickle_locks as L
class Session(L.local):
    def __init__(self, host, port=1):
        self.host, self.port = host, port
"""


def runs(executable: str) -> bool:
    """A shim of a version manager can stand on PATH for an interpreter that is not there."""
    return subprocess.run([executable, "-c", ""], capture_output=True).returncode == 0


def cross(executable: str, folder: Path, protocol: int) -> str:
    (folder / "_fixpickle_locks.py").write_bytes(SOURCE.read_bytes())
    for name, text in {"produce": PRODUCE, "consume": CONSUME, "subjects": SUBJECTS}.items():
        (folder / f"{name}.py").write_text(text)
    made = subprocess.run([executable, "-W", "error", "produce.py", str(protocol)], cwd=folder, capture_output=True)
    assert made.returncode == 0, made.stderr.decode()
    done = subprocess.run([executable, "-W", "error", "consume.py"], cwd=folder, input=made.stdout, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_copied_file_crosses_from_one_fresh_process_to_another(tmp_path, protocol):
    assert cross(sys.executable, tmp_path, protocol) == "crossed"


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in range(8, 15)])
def test_a_copied_file_works_on_every_python_that_is_installed(tmp_path, version):
    executable = shutil.which(f"python{version}")
    if executable is None or not runs(executable):
        pytest.skip(f"no python{version} on PATH")
    assert cross(executable, tmp_path, 2) == "crossed"


# --- every way of starting a worker ---------------------------------------------------------------------------------

WORKERS = """
import multiprocessing, sys, threading
import _fixpickle_locks as L

KINDS = ("Lock", "RLock", "Condition", "BoundedSemaphore")

def free(held):
    return [type(held[kind]) is getattr(L, kind) and held[kind].acquire(timeout=1) for kind in KINDS]

def whole(value):
    event, semaphore, queue, (condition, lock), (outer, shared) = value
    return event.is_set(), semaphore._value, queue.get_nowait(), condition._lock is lock, outer._lock is shared

kept = []
def take(lock):
    kept.append(lock)
    return lock.acquire(False)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    held = {kind: getattr(L, kind)() for kind in KINDS}
    event, semaphore, queue, lock, shared = L.Event(), L.Semaphore(3), L.Queue(), L.Lock(), L.shared_lock("jobs")
    event.set(); semaphore.acquire(); queue.put(7)
    value = event, semaphore, queue, (L.Condition(lock), lock), (L.Condition(shared), shared)
    with context.Pool(1) as pool:
        for one in held.values():
            one.acquire()
        assert pool.apply(free, (held,)) == [True] * 4
        assert pool.apply(whole, (value,)) == (True, 2, 7, True, True)
        assert pool.map(take, [shared, shared], 1) == [True, False], "two tasks of one worker hold two locks"
        assert pool.map(take, [lock, lock], 1) == [True, True]
        assert shared.acquire(False)
    print("crossed")
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_they_cross_into_workers_however_these_are_started(tmp_path, method):
    (tmp_path / "_fixpickle_locks.py").write_bytes(SOURCE.read_bytes())
    (tmp_path / "workers.py").write_text(WORKERS)
    done = subprocess.run([sys.executable, "workers.py", method], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.stdout.decode().strip() == "crossed", done.stderr.decode()


def test_a_shared_lock_of_a_closure_is_one_for_all_that_arrives_by_value():
    cloudpickle = pytest.importorskip("cloudpickle")
    guard, condition = locks.shared_rlock("closure"), locks.Condition(locks.shared_lock("condition"))

    def task():
        return guard, condition

    parcel = cloudpickle.dumps(task)
    (first, one), (second, other) = pickle.loads(parcel)(), pickle.loads(parcel)()
    assert first is second is guard
    assert one is not other and one._lock is other._lock is condition._lock
