"""What a counterpart of a lock costs against its original: `python benchmarks/locks.py`.

Uncontended `acquire` and `release`, `with`, and construction. The original, the original again (A/A) and the
counterpart take turns in one run; of each round the fastest of each are compared, and each ratio is the median over
rounds. Nothing inside the spread of the A/A column is a difference. docs/runtime.md says why they are what they are.
"""

from __future__ import annotations

import queue
import statistics
import threading
import timeit
from collections.abc import Callable
from typing import Any

from fixpickle.runtime import locks

ROUNDS = 11
RUNS = 15
NUMBER = 3_000  # short enough to fit between two interruptions

STATEMENTS = {
    "acquire+release": "lock.acquire(); lock.release()",
    "with": "with lock: pass",
    "with, as an attribute": "with holder.lock: pass",
    "construct": "make()",
}
KINDS = ("Lock", "RLock", "Condition", "Semaphore")


class Holder:
    def __init__(self, lock: Any) -> None:
        self.lock = lock


def timer(make: Callable[[], Any], statement: str) -> timeit.Timer:
    lock = make()
    names = {"lock": lock, "holder": Holder(lock), "make": make}
    return timeit.Timer(statement, globals=names)


def queue_timer(make: Callable[[], Any]) -> timeit.Timer:
    made = make()
    return timeit.Timer("put(1); get()", globals={"put": made.put, "get": made.get})


def ratios(original: timeit.Timer, control: timeit.Timer, counterpart: timeit.Timer) -> tuple[float, float, float]:
    """Median control/original, its spread (90th less 10th percentile), and median counterpart/original.

    Of each round the fastest runs are compared: what else the machine does only ever adds to the others.
    """
    same, other = [], []
    for _ in range(ROUNDS):
        runs = [[one.timeit(NUMBER) for one in (original, control, counterpart)] for _ in range(RUNS)]
        base, again, ours = (min(column) for column in zip(*runs, strict=True))
        same.append(again / base)
        other.append(ours / base)
    deciles = statistics.quantiles(same, n=10)
    return statistics.median(same), deciles[-1] - deciles[0], statistics.median(other)


def main() -> None:
    print(f"{'':34}{'A/A':>6}{'spread':>8}{'counterpart':>13}")
    for kind in KINDS:
        original, counterpart = getattr(threading, kind), getattr(locks, kind)
        for label, statement in STATEMENTS.items():
            timers = [timer(make, statement) for make in (original, original, counterpart)]
            same, spread, ours = ratios(*timers)
            print(f"{kind + ', ' + label:34}{same:6.2f}{spread:8.2f}{ours:13.2f}")
    for kind in ("Queue", "SimpleQueue"):
        timers = [queue_timer(make) for make in (getattr(queue, kind), getattr(queue, kind), getattr(locks, kind))]
        same, spread, ours = ratios(*timers)
        print(f"{kind + ', put+get':34}{same:6.2f}{spread:8.2f}{ours:13.2f}")


if __name__ == "__main__":
    main()
