"""File locks: as the lock of threads that they stand in for, and that other processes are excluded too."""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixpickle.runtime import filelocks, locks

pytest.importorskip("filelock")

PROCESSES, THREADS, ROUNDS = 2, 2, 5
KINDS = [filelocks.file_lock, filelocks.file_rlock]

both = pytest.mark.parametrize("make", KINDS, ids=["lock", "rlock"])
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def elsewhere(call: Callable[[], Any]) -> Any:
    """What the call gives in another thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


# --- the race -------------------------------------------------------------------------------------------------------


def add(counter: Path, guard: Any, meeting: Any) -> None:
    """Reads, waits for another process to have read too, and writes: where one can, an update is lost for certain.

    Where the lock keeps the other out, nobody comes. That breaks the meeting, and nobody waits again.
    """
    for _ in range(ROUNDS):
        with guard:
            number = int(counter.read_text())
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(1)
            fresh = counter.with_name(f"{os.getpid()}-{threading.get_ident()}")
            fresh.write_text(str(number + 1))
            fresh.replace(counter)


def work(counter: Path, guard: Any, start: Any, meeting: Any) -> None:
    start.wait()
    threads = [threading.Thread(target=add, args=(counter, guard, meeting)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def raced(tmp_path: Path, guard: Any, method: str) -> int:
    """The count that processes reach, to which the lock is pickled or, when forked, left as it is."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    context = multiprocessing.get_context(method)
    start, meeting = context.Barrier(PROCESSES), context.Barrier(PROCESSES)
    processes = [context.Process(target=work, args=(counter, guard, start, meeting)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0] * PROCESSES
    return int(counter.read_text())


METHODS = [pytest.param("spawn"), pytest.param("fork", marks=forks)]


@pytest.mark.parametrize("method", METHODS)
@both
def test_processes_and_their_threads_exclude_one_another(tmp_path: Path, make: Any, method: str) -> None:
    assert raced(tmp_path, make(), method) == PROCESSES * THREADS * ROUNDS


def test_counterpart_that_excludes_threads_alone_loses_updates_of_the_other_process(tmp_path: Path) -> None:
    assert raced(tmp_path, locks.Lock(), "spawn") < PROCESSES * THREADS * ROUNDS


# --- in other processes ---------------------------------------------------------------------------------------------


def tried_in_new_process(lock: Any) -> str:
    """Whether an interpreter that loads the lock can take it."""
    code = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).acquire(False))"
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(lock),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


@both
def test_held_lock_arrives_as_the_same_lock_and_is_held_there(make: Any) -> None:
    lock = make()
    with lock:
        assert tried_in_new_process(lock) == "False"
    assert tried_in_new_process(lock) == "True"


def test_process_that_dies_gives_back_what_it_held() -> None:
    lock = filelocks.file_lock()
    assert tried_in_new_process(lock) == "True"  # and ends without a release
    assert lock.acquire(timeout=5)
    lock.release()


def in_fork(call: Callable[[], bool]) -> bool:
    """What the call gives in a forked child, which ends as a program does, destructors included."""
    child = os.fork()
    if not child:
        code = 3
        try:
            code = int(bool(call()))
            filelocks._known.clear()
        finally:
            os._exit(code)
    return {0: False, 1: True}[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


@forks
@both
def test_forked_child_does_not_hold_what_its_parent_holds(make: Any) -> None:
    lock = make()
    with lock:
        assert not in_fork(lambda: lock.acquire(False))
        assert not in_fork(lambda: lock.acquire(timeout=0.05))
        # What the child did has not let go of the parent's lock.
        assert tried_in_new_process(lock) == "False"
    assert in_fork(lambda: lock.acquire(timeout=5))


@forks
def test_child_of_a_process_one_of_whose_threads_holds_the_lock_is_not_stuck_for_ever() -> None:
    lock = filelocks.file_lock()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    assert not in_fork(lambda: lock.acquire(timeout=0.05))
    child = os.fork()
    if not child:
        os._exit(0 if lock.acquire(timeout=20) else 1)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- in one process -------------------------------------------------------------------------------------------------


@both
def test_copies_are_the_lock_itself(make: Any) -> None:
    lock = make()
    assert pickle.loads(pickle.dumps(lock)) is copy.deepcopy(lock) is copy.copy(lock) is lock
    assert make() is not lock
    assert make("pkg.module._lock") is make("pkg.module._lock")


def test_lock_is_not_reentrant_and_any_thread_may_release_it() -> None:
    lock = filelocks.file_lock()
    assert lock.acquire()
    assert not lock.acquire(False)
    assert not lock.acquire(timeout=0.05)
    elsewhere(lock.release)
    assert not lock.locked()


def test_rlock_is_reentrant_for_its_own_thread_only() -> None:
    lock = filelocks.file_rlock()
    with lock, lock:
        assert not elsewhere(lambda: lock.acquire(False))
        assert lock.locked()
    assert elsewhere(lambda: lock.acquire(False) and (lock.release() or True))


def test_release_without_acquire_is_an_error_and_takes_the_lock_from_nobody() -> None:
    lock, rlock = filelocks.file_lock(), filelocks.file_rlock()
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        lock.release()
    with rlock:
        with pytest.raises(RuntimeError, match="un-acquired"):
            elsewhere_raises(rlock.release)
        assert tried_in_new_process(rlock) == "False"


def elsewhere_raises(call: Callable[[], Any]) -> None:
    def caught() -> BaseException | None:
        try:
            call()
        except BaseException as error:
            return error
        return None

    if error := elsewhere(caught):
        raise error


@both
def test_acquire_takes_what_a_lock_of_threads_takes(make: Any) -> None:
    lock = make()
    with pytest.raises(ValueError):
        lock.acquire(False, 1)
    with pytest.raises(ValueError):
        lock.acquire(True, -2)
    assert lock.acquire(blocking=True, timeout=1)
    lock.release()
    assert lock.acquire(True, 0)
    lock.release()


def test_waiting_for_another_process_ends_in_time() -> None:
    lock = filelocks.file_lock()
    load = "import pickle, sys, time; lock = pickle.loads(sys.stdin.buffer.read())"
    code = f"{load}; lock.acquire(); print('held', flush=True); time.sleep(30)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write(pickle.dumps(lock))
        holder.stdin.close()
        holder.stdout.readline()
        started = time.monotonic()
        assert not lock.acquire(timeout=0.2)
        assert 0.15 < time.monotonic() - started < 5
        assert lock.locked()
        holder.kill()
    assert lock.acquire(timeout=5)
    lock.release()


def test_folder_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "getuid"):
        pytest.skip("there are no user ids here")
    owner = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    lock = filelocks.file_lock()
    with pytest.raises(PermissionError, match="belongs to another user"):
        lock.acquire()
    monkeypatch.undo()
