"""What it costs to carry state: `python benchmarks/state_cost.py [ROUNDS]`, per task, as ratios to joblib's own pair.

Each pair runs the same tasks in workers that have started, under a decimal context and a scikit-learn configuration of
the caller's, in turn and round after round; the fastest counts, since what else the machine does only adds. The control
is joblib's pair once more: what lies inside its spread is noise. `abs` is a task that takes no time, `sleep` one that
takes a millisecond. joblib sends tiny tasks in batches; with `batch_size=1` it does not, and then everything that a
task carries counts.
"""

from __future__ import annotations

import contextlib
import decimal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import joblib
import sklearn
import sklearn.utils.parallel

from fixpickle.runtime import parallel as runtime

try:
    import tpcp.parallel
except ImportError:
    tpcp = None

PAIRS: dict[str, tuple[Any, Any]] = {
    "joblib": (joblib.Parallel, joblib.delayed),
    "joblib (control)": (joblib.Parallel, joblib.delayed),
    "runtime": (runtime.Parallel, runtime.delayed),
    "scikit-learn": (sklearn.utils.parallel.Parallel, sklearn.utils.parallel.delayed),
    **({"tpcp": (tpcp.parallel.Parallel, tpcp.parallel.delayed)} if tpcp else {}),
}
PLACES: dict[str, Mapping[str, Any]] = {
    "loky": {"n_jobs": 2, "backend": "loky"},
    "multiprocessing": {"n_jobs": 2, "backend": "multiprocessing"},
    "threading": {"n_jobs": 2, "backend": "threading"},
    "n_jobs=1": {"n_jobs": 1},
}
# What is called, with what, how many tasks make a call, and how joblib is to batch them.
TASKS: dict[str, tuple[Callable[[Any], Any], Any, int, Any]] = {
    "tiny task": (abs, -1, 1000, "auto"),
    "tiny task, batch_size=1": (abs, -1, 100, 1),
    "1 ms": (time.sleep, 0.001, 100, "auto"),
}


@contextlib.contextmanager
def state() -> Iterator[None]:
    """What there is to carry, for all of them that can."""
    if tpcp:
        runtime.register_with_tpcp("decimal", "sklearn")
    with sklearn.config_context(assume_finite=True), decimal.localcontext(decimal.Context(prec=9)):
        yield


def can(pair: str, place: str) -> bool:
    """Whether the pair runs there: a task of tpcp's does not go through the pickler of `multiprocessing`."""
    return (pair, place) != ("tpcp", "multiprocessing")


def measured(place: str, task: str, rounds: int) -> Mapping[str, float]:
    """Seconds for one task, by pair."""
    function, argument, count, batch_size = TASKS[task]
    seconds: dict[str, list[float]] = {pair: [] for pair in PAIRS if can(pair, place)}
    with contextlib.ExitStack() as stack:
        open_ = {p: stack.enter_context(PAIRS[p][0](**PLACES[place], batch_size=batch_size)) for p in seconds}
        for lap in range(rounds + 2):
            for pair, parallel in open_.items():
                made = PAIRS[pair][1](function)
                started = time.perf_counter()
                parallel(made(argument) for _ in range(count))
                if lap > 1:  # joblib finds out how many tasks make a batch
                    seconds[pair].append((time.perf_counter() - started) / count)
    return {pair: min(times) for pair, times in seconds.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    warnings.simplefilter("ignore")
    print(f"{'':<42}" + "".join(f"{pair:>18}" for pair in PAIRS))
    for task in TASKS:
        for place in PLACES:
            with state():
                found = measured(place, task, rounds)
            first = found["joblib"]
            ratios = "".join(f"{f'x{found[p] / first:.2f}' if p in found else '':>18}" for p in list(PAIRS)[1:])
            print(f"{f'{task}, {place}':<42}{f'{first * 1e6:.1f} us':>18}{ratios}", flush=True)


if __name__ == "__main__":
    main()
