"""Fixes led by a real run: exactly what failed is fixed, and the program is run again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from fixpickle.model import Evidence, Span, Traced
from fixpickle.sightings import followed, seen
from fixpickle.trace.record import Record, from_file

TOP = Path(__file__).parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


def traced(run_in: Run, folder: Path, text: str) -> None:
    """A record of the script in the folder."""
    (folder / "prog.py").write_text(text)
    done = run_in(folder, "trace", "-q", "--time-limit", "60", "--python", sys.executable, "prog.py")
    assert isinstance(from_file(folder / "fixpickle-trace.json"), Record), done.stderr


def apply(run_in: Run, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_in(folder, "apply", "--from-trace", "fixpickle-trace.json", "--python", sys.executable, *words)


def rules(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The place and rule of each finding that a report tells of."""
    return re.findall(r"^([\w/]+\.py:\d+):\d+: ([\w-]+):", done.stdout, re.MULTILINE)


# --- the whole of it ------------------------------------------------------------------------------------------------


def test_ten_different_failures_in_ten_modules_are_traced_fixed_and_run_clean(tmp_path: Path, run_in: Run) -> None:
    folder = Path(shutil.copytree(TOP / "examples" / "ten_failures", tmp_path / "ten"))
    before = subprocess.run([sys.executable, "run.py"], cwd=folder, capture_output=True, text=True)
    assert before.returncode == 1 and len(re.findall(r"^\w+ \w+(?:Error|Pool)$", before.stdout, re.MULTILINE)) == 10
    assert run_in(folder, "trace", "--time-limit", "60", "--", sys.executable, "run.py").returncode == 1
    done = apply(run_in, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({place.partition(":")[0] for place, _ in rules(done)}) == 10
    assert (
        len({rule for _, rule in rules(done)}) == 10 and "11 fixed (11 proved, 0 unproved), 0 taken back" in done.stdout
    )
    assert "11 of 11 failures gone; exit code 0, which was 1" in done.stderr
    after = subprocess.run([sys.executable, "run.py"], cwd=folder, capture_output=True, text=True)
    assert (after.returncode, after.stdout.splitlines()[0]) == (0, "account [11, 12]")


# --- what is fixed, and what is not ---------------------------------------------------------------------------------

TWO = """
import pickle, threading

class One:
    def __init__(self):
        self.lock = threading.Lock()

class Other:
    def __init__(self):
        self.lock = threading.Lock()
        self.make = lambda: 0

if __name__ == "__main__":
    other = Other()
    try:
        pickle.dumps(One())
    except TypeError:
        print("failed")
"""


def test_only_what_failed_is_fixed(tmp_path: Path, run_in: Run) -> None:
    traced(run_in, tmp_path, TWO)
    done = apply(run_in, tmp_path)
    assert rules(done) == [("prog.py:6", "bare-lock")] and done.returncode == 0
    text = (tmp_path / "prog.py").read_text()
    assert text.count("threading.Lock()") == 1 and text.count("_fixpickle_locks.Lock()") == 1
    assert text.index("_fixpickle_locks.Lock()") < text.index("class Other") < text.index("threading.Lock()")
    assert "1 of 1 failure gone; exit code 0, which was 0" in done.stderr


UNSEEN = """
import pickle, threading

def _made():
    return [lambda: 1]

def _held():
    guard = threading.Lock()
    parts = {}
    parts["guard"] = guard
    return parts

if __name__ == "__main__":
    dumps = getattr(pickle, "du" + "mps")
    for make in (_made, _held):
        try:
            dumps(make())
        except (TypeError, AttributeError, pickle.PicklingError):
            pass
"""


def test_a_failure_is_evidence_where_reading_the_code_shows_none(tmp_path: Path, run_in: Run) -> None:
    (tmp_path / "prog.py").write_text(UNSEEN)
    assert run_in(tmp_path, "check").stdout.startswith("0 findings")
    traced(run_in, tmp_path, UNSEEN)
    done = apply(run_in, tmp_path, "--output-format", "json")
    report = json.loads(done.stdout)
    schema = json.loads((TOP / "docs" / "schemas" / "report-1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(report)
    assert [one["reach"]["evidence"] for one in report["fixed"]] == ["traced"]
    assert report["fixed"][0]["rule"] == "lambda-value"
    # Of the lock nothing says where it was made, but memory would.
    assert "1 of 2 failures gone" in done.stderr and "stay: dict['guard'], a _thread.lock" in done.stderr
    assert done.returncode == 1


def test_a_program_that_fails_before_it_comes_to_them_does_not_show_that_failures_are_gone(
    tmp_path: Path, run_in: Run
) -> None:
    text = "import os, sys\nif os.path.exists('stop'):\n    sys.exit(3)\n" + UNSEEN
    traced(run_in, tmp_path, text)
    (tmp_path / "stop").touch()
    done = apply(run_in, tmp_path)
    assert "2 of 2 failures not met again; exit code 3, which was 0: it may have ended before" in done.stderr
    assert "gone" not in done.stderr and done.returncode == 1


def test_memory_leads_to_a_lock_that_no_attribute_holds(tmp_path: Path, run_in: Run) -> None:
    (tmp_path / "prog.py").write_text(UNSEEN)
    assert run_in(tmp_path, "trace", "-q", "--allocations", "--", sys.executable, "prog.py").returncode == 0
    done = apply(run_in, tmp_path)
    assert ("prog.py:8", "bare-lock") in rules(done) and "2 of 2 failures gone" in done.stderr


CHANGED = {
    "one.py": "import threading\n\nclass One:\n    def __init__(self):\n        self.lock = threading.Lock()\n",
    "two.py": "import threading\n\nclass Two:\n    def __init__(self):\n        self.lock = threading.Lock()\n",
}
BOTH = """
import pickle, one, two
for kind in (one.One, two.Two):
    try:
        pickle.dumps(kind())
    except TypeError:
        pass
"""


def test_a_file_that_changed_since_is_refused_and_the_others_are_fixed(tmp_path: Path, run_in: Run) -> None:
    for name, text in CHANGED.items():
        (tmp_path / name).write_text(text)
    traced(run_in, tmp_path, BOTH)
    (tmp_path / "two.py").write_text("# a comment\n" + CHANGED["two.py"])
    done = apply(run_in, tmp_path, "--no-rerun")
    assert rules(done) == [("one.py:5", "bare-lock")] and done.returncode == 1
    assert "two.py: changed since it was traced; run `fixpickle trace` again" in done.stdout
    assert (tmp_path / "two.py").read_text() == "# a comment\n" + CHANGED["two.py"]
    assert "running it again" not in done.stderr


def test_nothing_is_run_again_where_nothing_is_written(tmp_path: Path, run_in: Run) -> None:
    traced(run_in, tmp_path, TWO)
    done = apply(run_in, tmp_path, "--diff")
    assert "+        self.lock = _fixpickle_locks.Lock()" in done.stdout and "running it again" not in done.stderr
    assert (tmp_path / "prog.py").read_text() == TWO


STAYS = """
import pickle

class Holds:
    def __init__(self):
        self.numbers = (n for n in [1])

try:
    pickle.dumps(Holds())
except TypeError:
    pass
"""


def test_what_nothing_fixes_is_said_and_counts(tmp_path: Path, run_in: Run) -> None:
    traced(run_in, tmp_path, STAYS)
    done = apply(run_in, tmp_path)
    assert done.returncode == 1 and (tmp_path / "prog.py").read_text() == STAYS
    assert "prog.py:6" in done.stdout


ELSEWHERE = """
import pickle, subprocess, sys

class Model:
    pass

if __name__ == "__main__":
    dumps = getattr(pickle, "du" + "mps")
    load = "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"
    raise SystemExit(subprocess.run([sys.executable, "-c", load], input=dumps(Model())).returncode)
"""


GUARDED = """
import multiprocessing

if __name__ == "__main__":
    def double(x):
        return 2 * x

    task = multiprocessing.get_context("spawn").Process(**{"target": double, "args": (4,)})
    task.start()
    task.join()
    raise SystemExit(task.exitcode)
"""


@pytest.mark.parametrize("text", [ELSEWHERE, GUARDED], ids=["elsewhere", "guarded"])
def test_a_definition_of_a_script_that_another_process_does_not_find_moves(
    text: str, tmp_path: Path, run_in: Run
) -> None:
    traced(run_in, tmp_path, text)
    done = apply(run_in, tmp_path)
    assert [rule for _, rule in rules(done)] == [
        "main-definition"
    ] and "why     loading it failed in a run" in done.stdout
    assert "1 of 1 failure gone; exit code 0, which was 1" in done.stderr and done.returncode == 0


@pytest.mark.parametrize("text", [None, "{}", '{"schema": 7, "failures": []}'])
def test_what_is_no_record_ends_with_2_and_the_reason(text: str | None, tmp_path: Path, run_in: Run) -> None:
    if text is not None:
        (tmp_path / "fixpickle-trace.json").write_text(text)
    done = apply(run_in, tmp_path)
    assert done.returncode == 2 and "fixpickle-trace.json: " in done.stderr and "internal" not in done.stderr


# --- lines that move ------------------------------------------------------------------------------------------------

AT = Path("a.py")


def at(line: int, name: str = "", **more: bool) -> Traced:
    return Traced(AT, line, line, name, "a run", **more)


@pytest.mark.parametrize(
    ("line", "old", "new", "lines"),
    [
        (2, "a\nb\nc\n", "x\na\nb\nc\n", [3]),
        (2, "a\nb\nc\n", "a\nc\n", []),
        (2, "if 1:\n    b\nc\n", "c\nb\n", [2]),
        (2, "class A:\n    a\nclass B:\n    a\n", "class A:\n    changed\nclass B:\n    a\n", []),
        (4, "class A:\n    a\nclass B:\n    a\n", "class A:\n    changed\nclass B:\n    a\n", [4]),
        (9, "a\n", "b\n", []),
    ],
)
def test_a_place_is_followed_while_its_file_changes(line: int, old: str, new: str, lines: list[int]) -> None:
    assert [one.line for one in followed([at(line)], {AT: old}, {AT: new})] == lines


def test_a_place_is_followed_into_a_new_file() -> None:
    moved = [*followed([at(1, "f")], {AT: "def f(): ...\n"}, {AT: "", Path("b.py"): "import x\n\ndef f(): ...\n"})]
    assert [(one.path, one.line) for one in moved] == [(Path("b.py"), 3)]


@pytest.mark.parametrize(
    ("one", "code", "found"),
    [
        (at(5, "<lambda>"), "lambda: 0", True),
        (at(5), "lambda: 0", False),
        (at(5), "threading.Lock()", True),
        (at(6, "f"), "@d\ndef f():\n    pass", True),
        (at(7, "f"), "@d\ndef f():\n    pass", False),
        (at(5, "g"), "def f():\n    g", False),
        (at(6), "threading.Lock(\n)", True),
        (at(4), "threading.Lock()", False),
        (at(5, "f", bound=True), "def f():\n    pass", True),
    ],
)
def test_a_finding_is_what_a_run_failed_on_by_line_and_name(one: Traced, code: str, found: bool) -> None:
    assert (seen([one], AT, Span(0, len(code), 5, 1), code) is not None) is found
    assert seen([one], Path("b.py"), Span(0, len(code), 5, 1), code) is None
    weak = seen([one], AT, Span(0, len(code), 5, 1), code, weak=True)
    assert (weak is not None) is (found and not one.bound)


def test_traced_is_the_strongest_evidence() -> None:
    assert [e.value for e in Evidence] == ["traced", "boundary", "state", "any"]
    assert Evidence.TRACED.admits(Evidence.TRACED) and not Evidence.TRACED.admits(Evidence.BOUNDARY)
    assert all(e.admits(Evidence.TRACED) for e in Evidence)
