"""Ray locks: the table of who holds what, as an event loop runs it, and a real cluster where that is asked for."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from fixpickle.runtime import raylocks

SOURCE = Path(__file__).parent.parent / "src"


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


# --- the table, which is the actor ----------------------------------------------------------------------------------


def test_second_owner_waits_and_comes_in_when_the_first_releases() -> None:
    async def story() -> None:
        table = raylocks._Table(30)
        assert await table.acquire("a", "one", None)
        second = asyncio.ensure_future(table.acquire("a", "two", None))
        third = asyncio.ensure_future(table.acquire("a", "three", None))
        await asyncio.sleep(0.01)
        assert not second.done()
        assert await table.release("a", "one")
        assert await second and not third.done()
        assert await table.release("a", "two")
        assert await third
        assert await table.release("a", "three")
        assert not await table.locked("a")

    run(story())


def test_other_names_are_other_locks() -> None:
    async def story() -> None:
        table = raylocks._Table(30)
        assert await table.acquire("a", "one", 0) and await table.acquire("b", "two", 0)

    run(story())


def test_who_does_not_hold_it_cannot_release_it() -> None:
    async def story() -> None:
        table = raylocks._Table(30)
        await table.acquire("a", "one", None)
        assert not await table.release("a", "two")
        assert not await table.release("b", "one")
        assert await table.locked("a")

    run(story())


def test_waiting_ends_in_time_and_leaves_no_trace() -> None:
    async def story() -> None:
        table = raylocks._Table(30)
        await table.acquire("a", "one", None)
        assert not await table.acquire("a", "two", 0)
        assert not await table.acquire("a", "two", 0.01)
        assert not table._waiting["a"]
        await table.release("a", "one")
        assert not await table.locked("a")

    run(story())


def test_who_gives_up_is_passed_over() -> None:
    async def story() -> None:
        table = raylocks._Table(30)
        await table.acquire("a", "one", None)
        gone = asyncio.ensure_future(table.acquire("a", "two", None))
        third = asyncio.ensure_future(table.acquire("a", "three", None))
        await asyncio.sleep(0.01)
        await table.abandon("a", "two")
        assert not await gone
        await table.release("a", "one")
        assert await third

    run(story())


def test_holder_that_is_not_heard_of_loses_the_lock_and_one_that_is_keeps_it() -> None:
    async def story() -> None:
        table = raylocks._Table(0.2)
        await table.acquire("a", "dead", None)
        await table.acquire("b", "alive", None)
        waiting = asyncio.ensure_future(table.acquire("a", "next", None))
        for _ in range(6):
            await asyncio.sleep(0.1)
            await table.renew("alive", ["b", "a"])
        assert await waiting
        assert not await table.release("a", "dead")
        assert await table.release("b", "alive")

    run(story())


# --- without a cluster ----------------------------------------------------------------------------------------------


def test_lock_is_made_pickled_and_copied_where_no_ray_runs() -> None:
    for make in (raylocks.ray_lock, raylocks.ray_rlock):
        lock = make()
        assert pickle.loads(pickle.dumps(lock)) is copy.deepcopy(lock) is lock
        assert make() is not lock
        assert make("pkg.lock") is make("pkg.lock")


def test_release_without_acquire_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        raylocks.ray_lock().release()
    with pytest.raises(RuntimeError, match="un-acquired"):
        raylocks.ray_rlock().release()


# --- a real cluster -------------------------------------------------------------------------------------------------

TUNE = """
    import os, sys, tempfile, threading, time
    from pathlib import Path
    import ray
    from ray import tune
    from fixpickle.runtime import raylocks

    folder = Path(tempfile.mkdtemp())
    number = folder / "number"
    number.write_text("0")
    lock = raylocks.ray_rlock("test.lock")

    def add():
        for _ in range(10):
            with lock, lock:
                n = int(number.read_text())
                time.sleep(0.01)
                fresh = folder / f"{os.getpid()}-{threading.get_ident()}"
                fresh.write_text(str(n + 1))
                fresh.replace(number)

    def trial(config):
        # Nobody else has asked for the lock, so that the first trial starts the actor, and ends before the second does.
        time.sleep(config["late"])
        threads = [threading.Thread(target=add) for _ in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        tune.report({"done": 1})

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    space = {"late": tune.grid_search([0, 0.5])}
    results = tune.Tuner(trial, param_space=space, run_config=tune.RunConfig(storage_path=str(folder))).fit()
    errors = [r.error for r in results if r.error]
    with lock:
        print("counted", number.read_text(), "errors", errors)
    assert ray.get(ray.remote(lambda l: l.acquire(False)).remote(lock))  # and the worker that holds it goes on
    assert not lock.acquire(timeout=0.2)
"""


@pytest.mark.slow
def test_trials_of_tune_exclude_one_another_and_the_actor_outlives_the_trial_that_started_it(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    script = tmp_path / "tuned.py"
    script.write_text(textwrap.dedent(TUNE))
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "counted 40 errors []" in done.stdout
