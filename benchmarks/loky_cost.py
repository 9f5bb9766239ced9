"""What loky's workarounds cost: `python benchmarks/loky_cost.py [ROUNDS]`, medians of CPU time as ratios, side by side.

A function that workers can import is sent with loky's default pickler and with plain pickle, wrapped, and from a
script, where it travels by value: with a tiny argument and with a million numbers. The control sends the very same
thing as the first row, so what lies inside its spread is noise. The last rows are whole round trips through one worker.
"""

from __future__ import annotations

import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable

import cloudpickle
from loky import get_reusable_executor, wrap_non_picklable_objects

LARGE = list(range(10**6))


def of_script(number: object) -> object:
    """Lives in `__main__`, so cloudpickle takes it along by value."""
    return number


def cost(work: Callable[[], object], repeat: int) -> float:
    """Seconds of this process's CPU for one call."""
    started = time.process_time()
    for _ in range(repeat):
        work()
    return (time.process_time() - started) / repeat


def sent() -> dict[str, tuple[Callable[[object], bytes], object]]:
    """How each function is pickled, by what the row is called."""
    wrapped = wrap_non_picklable_objects(of_script)
    return {
        "importable, pickle": (pickle.dumps, json.dumps),
        "importable, pickle (control)": (pickle.dumps, json.dumps),
        "importable, cloudpickle": (cloudpickle.dumps, json.dumps),
        "script's function, cloudpickle": (cloudpickle.dumps, of_script),
        "script's function, wrapped, pickle": (pickle.dumps, wrapped),
    }


def pickling(argument: object, repeat: int, rounds: int) -> None:
    """Prints bytes and CPU of pickling a task with that argument, against the first row."""
    rows = sent()
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, (dumps, function) in rows.items():
            seconds[name].append(cost(lambda d=dumps, f=function: d((f, argument)), repeat))  # type: ignore[misc]
    first = statistics.median(next(iter(seconds.values())))
    for name, (dumps, function) in rows.items():
        ratio = statistics.median(seconds[name]) / first
        print(f"  {name:<36} {len(dumps((function, argument))):>9} bytes   x{ratio:.2f}")


def round_trips(rounds: int) -> None:
    """Prints the time of a small task through one worker, against the first row."""
    executor = get_reusable_executor(max_workers=1, timeout=60)
    tasks = {"importable": json.dumps, "importable (control)": json.dumps, "script's function": of_script}
    tasks["script's function, wrapped"] = wrap_non_picklable_objects(of_script)
    executor.submit(json.dumps, 1).result()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds * 20):
        for name, function in tasks.items():
            started = time.perf_counter()
            executor.submit(function, 1).result()
            seconds[name].append(time.perf_counter() - started)
    first = statistics.median(next(iter(seconds.values())))
    for name, times in seconds.items():
        print(f"  {name:<36} {statistics.median(times) * 1000:>9.2f} ms      x{statistics.median(times) / first:.2f}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print("pickling a tiny task")
    pickling(1, 2000, rounds)
    print("pickling a task with a list of a million numbers")
    pickling(LARGE, 2, rounds)
    print("round trip of a tiny task through one worker")
    round_trips(rounds)


if __name__ == "__main__":
    main()
