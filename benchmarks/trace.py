"""What the recorder costs a program that pickles a great deal: `python benchmarks/trace.py [--write]`.

Each program is a process of its own, as it is and under the recorder in turns, in CPU seconds of all that it starts;
each ratio is the median over rounds. As it is it runs twice a round: what the second differs from the first is noise
(A/A). "start of a process" does nothing. `--write` replaces the table in docs/trace.md.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fixpickle.trace.run import HOOK

ROUNDS = 7
PAGE = Path(__file__).parent.parent / "docs" / "trace.md"
MARK = "<!-- measured -->\n"
TARGET = 1.5  # times the program as it is

PROGRAMS = {
    "start of a process": "pass",
    "300 000 times a dictionary of one item": """
import pickle
for _ in range(300_000):
    pickle.dumps({"a": 1})
""",
    "2 000 times a list of 200 dictionaries, and back": """
import pickle
rows = [{"id": number, "name": str(number)} for number in range(200)]
for _ in range(2_000):
    pickle.loads(pickle.dumps(rows))
""",
    "20 000 tasks of a process pool": """
import multiprocessing
def work(x):
    return x + 1
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        pool.map(work, range(20_000), 1)
""",
    "2 000 futures of an executor": """
from concurrent.futures import ProcessPoolExecutor
def work(x):
    return x + 1
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(work, range(2_000)))
""",
    "20 000 items through a queue": """
import multiprocessing
def drain(queue):
    while queue.get() is not None:
        pass
if __name__ == "__main__":
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=drain, args=(queue,))
    process.start()
    for number in range(20_000):
        queue.put({"number": number})
    queue.put(None)
    process.join()
""",
    "10 000 functions by cloudpickle": """
import cloudpickle
for number in range(10_000):
    cloudpickle.dumps(lambda x: x + number)
""",
    "2 000 deep copies of nested lists": """
import copy
rows = [[number, [number]] for number in range(100)]
for _ in range(2_000):
    copy.deepcopy(rows)
""",
    "100 000 failures of one kind": """
import pickle, threading
for _ in range(100_000):
    try:
        pickle.dumps(threading.Lock())
    except TypeError:
        pass
""",
}


def seconds(program: Path, traced: bool) -> float:
    """CPU seconds of the program and all that it starts."""
    with tempfile.TemporaryDirectory() as folder:
        added = {"PYTHONPATH": str(HOOK), "FIXPICKLE_TRACE": folder} if traced else {}
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, str(program)], env={**env, **added}, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if traced and program.name != "0.py":
            assert list(Path(folder).glob("*.jsonl")), "nothing was recorded"
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(folder: Path) -> list[str]:
    rows = ["| program | CPU seconds as it is | A/A | under the recorder |", "|---|---|---|---|"]
    for number, (name, text) in enumerate(PROGRAMS.items()):
        program = folder / f"{number}.py"
        program.write_text(text)
        rounds = [(seconds(program, False), seconds(program, True), seconds(program, False)) for _ in range(ROUNDS)]
        same = statistics.median(after / before for before, _, after in rounds)
        ratio = statistics.median(2 * traced / (before + after) for before, traced, after in rounds)
        plain = statistics.median(before for before, _, _ in rounds)
        rows.append(
            f"| {name} | {plain:.2f} | x{same:.2f} | x{ratio:.2f}{' (over the target)' if ratio > TARGET else ''} |"
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder))
    if "--write" in sys.argv[1:]:
        head, _, rest = PAGE.read_text("utf-8").partition(MARK)
        what = f"CPython {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores, {ROUNDS} rounds."
        PAGE.write_text(head + MARK + "\n".join([what, "", *rows]) + "\n" + MARK + rest.partition(MARK)[2], "utf-8")


if __name__ == "__main__":
    main()
