"""Work spread over processes, or sent away, gives what the same work gives in one; and it can be watched and ended."""

from __future__ import annotations

import io
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from fixpickle.cli import main, terminal
from fixpickle.cli.terminal import progress
from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.workers import Executor, Pool

Item = TypeVar("Item")
Result = TypeVar("Result")

WORK = """\
from multiprocessing import Pool
from pkg.work{before} import run as before


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row * {number}, before(rows))
"""


def _square(number: int) -> int:
    return number * number


def _process(_: int) -> int:
    return os.getpid()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files enough for a pool, with something to find, to skip and to suppress in them."""
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for number in range(80):
        (folder / f"work{number}.py").write_text(WORK.format(number=number, before=max(number - 1, 0)))
    (folder / "work7.py").write_text("def f(:\n")
    (folder / "work8.py").write_bytes(b"x = '\xff'\n")
    return tmp_path


def report(tree: Path, executor: Executor | None, told: Callable[[str, int, int], None] | None = None) -> RunReport:
    ports = Ports(None, None, None, told or (lambda *_: None), executor=executor)  # type: ignore[arg-type]
    found = run([tree], Settings(tree, Path(sys.executable)), load_rules(), ports, fix=False)
    assert len(found.left) == 78 and len(found.skipped) == 2
    return RunReport(**{**{name: getattr(found, name) for name in RunReport.__slots__}, "seconds": 0.0})


def test_results_come_in_the_order_of_the_items_whatever_the_number_of_processes() -> None:
    many = range(500)
    for jobs in (0, 1, 3):
        assert list(Pool(jobs).each(_square, many)) == [n * n for n in many]
    assert list(Pool().each(_square, [3, 1, 2])) == [9, 1, 4]


def test_few_items_are_not_worth_a_pool_and_one_job_is_this_process() -> None:
    assert set(Pool(2).each(_process, [1, 2, 3])) == {os.getpid()}
    assert set(Pool(1).each(_process, range(100))) == {os.getpid()}
    assert os.getpid() not in set(Pool(2).each(_process, range(100)))


@pytest.mark.parametrize("form", ["text", "sarif"])
def test_what_is_printed_is_the_same_with_any_number_of_jobs(
    tree: Path, form: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said: set[str] = set()
    monkeypatch.chdir(tree)
    for jobs in ("1", "2", "4"):
        words = ["fixpickle", "check", "--no-cache", "--output-format", form, "--jobs", jobs, "."]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit):
            main()
        said.add(re.sub(r"[0-9.]+ s$", "", capfd.readouterr().out, flags=re.MULTILINE))
    assert len(said) == 1 and "work79.py" in said.pop()


class Afar:
    """Workers that get pickles of what they work on, and for which there are no files."""

    apart = True

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        for item in items:
            sent = pickle.dumps((function, item))
            with pytest.MonkeyPatch.context() as patch:
                for name in ("stat", "lstat", "scandir", "open"):
                    patch.setattr(os, name, _no_disk)
                patch.setattr("builtins.open", _no_disk)
                patch.setattr(io, "open", _no_disk)
                there, own = pickle.loads(sent)
                back = pickle.dumps(there(own))
            yield pickle.loads(back)


def _no_disk(*_: object, **__: object) -> None:
    raise AssertionError("a worker looks at a disk")


def test_workers_without_a_disk_find_the_same(tree: Path) -> None:
    here = report(tree, Pool(1))  # which also loads the tables that every worker brings along
    assert report(tree, Afar()) == here


# --- watching and ending --------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.buffer = io.BytesIO()

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return [line.removeprefix("\x1b[K") for line in self.buffer.getvalue().decode().split("\r") if line]


def test_progress_says_how_far_it_is_and_how_long_it_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    now = 100.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    screen = Screen()
    show = progress(screen, quiet=False)
    for done in (1, 11, 51, 100):
        show("reading", done, 1000)
        now += 10
    for done in (1, 2, 3):
        show("looking at files (4 findings so far)", done, 1000)
        now += 1
    assert screen.lines() == [
        "reading 1/1000",
        "reading 11/1000, 16 min 29 s left",
        "reading 51/1000, 6 min 20 s left",
        "reading 100/1000, 4 min 33 s left",
        "looking at files (4 findings so far) 1/1000",
        "looking at files (4 findings so far) 2/1000",
        "looking at files (4 findings so far) 3/1000, 16 min 37 s left",
    ]


def test_findings_are_counted_while_files_are_looked_at(tree: Path) -> None:
    told: list[tuple[str, int, int]] = []
    report(tree, Pool(1), lambda *words: told.append(words))
    assert ("reading", 81, 81) in told
    assert told[-1] == ("looking at files (78 findings so far)", 79, 79)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who was started")
def test_ctrl_c_ends_the_workers_and_says_so_in_one_line(tree: Path) -> None:
    for number in range(200):
        (tree / "pkg" / f"long{number}.py").write_text("def f(a, b, c):\n    return [a, b, c]\n" * 300)
    command = [sys.executable, "-m", "fixpickle", "check", "--no-cache", "--jobs", "2", str(tree)]
    # A job in a shell has a group of its own, and Ctrl-C reaches all of it.
    # And a shell that has put the tests in the background has them ignore it, and what they start too.
    started = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    end = time.monotonic() + 60
    while len(workers := children.read_text().split()) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (130, "", "fixpickle: interrupted\n")
    assert workers and not any(Path(f"/proc/{worker}").exists() for worker in workers)
