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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from fixpickle.cli import main, terminal
from fixpickle.cli.terminal import progress
from fixpickle.engine import Ports, run
from fixpickle.model import Proved, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.tidying import Tidying
from fixpickle.verify import Prover
from fixpickle.workers import TOGETHER, Executor, Pool, at_once, each_of

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


def test_few_long_texts_are_worth_a_pool_and_few_short_ones_are_not() -> None:
    assert [at_once(["x" * size] * 20) for size in (0, 500, 2_000, 8_000, 16_000, 1_000_000)] == [16, 16, 16, 4, 2, 1]
    alone = {os.getpid()}
    assert set(each_of(Pool(2), _process, range(8), together=2)) != alone
    for executor, count, together in ((Pool(2), 7, 2), (Pool(2), 63, 16), (Pool(1), 8, 2), (None, 8, 2)):
        assert set(each_of(executor, _process, range(count), together=together)) == alone


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

    def share(self, data: bytes) -> Callable[[], bytes]:
        raise NotImplementedError

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, together: int = TOGETHER
    ) -> Generator[Result, None, None]:
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


def _rewritten(tree: Path, executor: Executor) -> RunReport:
    settings = Settings(tree, Path(sys.executable), verify=False)
    ports = Ports(None, None, None, lambda *_: None, executor=executor)  # type: ignore[arg-type]
    ports = replace(ports, tidy_all=Tidying(executor, lambda *_: None))
    found = run([tree], settings, load_rules(), ports, fix=True)
    assert len(found.fixed) == len(found.changes) == 78
    return RunReport(**{**{name: getattr(found, name) for name in RunReport.__slots__}, "seconds": 0.0})


def test_files_are_rewritten_the_same_here_in_processes_and_without_a_disk(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[tool.black]\nline-length = 16\n")
    here = _rewritten(tree, Pool(1))
    assert "def _run_map(\n    row,\n):\n" in here.changes[0].new
    assert here == _rewritten(tree, Pool(2)) == _rewritten(tree, Afar())


def test_what_was_formatted_once_is_not_formatted_again_and_another_black_elsewhere_is_not_trusted(
    tmp_path: Path,
) -> None:
    told: list[int] = []
    drafts = [("", f"x = [{n} ]\n", tmp_path / "a.py") for n in range(100)]
    tidying = Tidying(Afar(), lambda _what, done, _of: told.append(done))
    want = [f"x = [{n}]\n" for n in range(100)]
    assert tidying(drafts) == tidying(drafts[:50]) + tidying(drafts[50:]) == want
    assert told == list(range(1, 101))
    assert Tidying(OtherBlack(), lambda *_: None)(drafts) == want
    assert set(OtherBlack.said) == {None}


class OtherBlack:
    """Workers with another release of black."""

    said: ClassVar[list[object]] = []

    def each(self, function: Any, items: Iterable[Item], *, together: int = TOGETHER) -> Generator[Any, None, None]:
        for item in items:
            self.said.append(partial(function.func, "1.0")(item))
            yield self.said[-1]


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
        show("looking at files, 4 findings", done, 1000)
        now += 1
    assert screen.lines() == [
        "reading 1/1000",
        "reading 11/1000, 16 min 29 s left",
        "reading 51/1000, 6 min 20 s left",
        "reading 100/1000, 4 min 33 s left",
        "looking at files, 4 findings 1/1000",
        "looking at files, 4 findings 2/1000",
        "looking at files, 4 findings 3/1000, 16 min 37 s left",
    ]


@pytest.mark.parametrize("columns", [80, 46, 40, 20, 5, 1])
def test_the_line_is_never_as_wide_as_the_terminal_and_keeps_its_count(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "_columns", lambda _: columns)
    now = 100.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    screen = Screen()
    show = progress(screen, quiet=False)
    for done in (1, 2, 3):
        show("looking at files, 4 findings", done, 1000)
        now += 2
    lines = screen.lines()
    assert len(lines) == 3 and all(len(line) < columns for line in lines)
    assert columns < 20 or lines[0].endswith(" 1/1000")
    assert columns < 20 or (" 3/1000, " if columns == 80 else " 3/1000") in lines[2]


def test_another_step_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    show = progress(screen, quiet=False)
    for what in ("reading", "fixing"):
        for done in (1, 2, 3):
            show(what, done, 3)
    assert screen.lines() == ["reading 1/3", "fixing 1/3"]


def test_findings_are_counted_while_files_are_looked_at(tree: Path) -> None:
    told: list[tuple[str, int, int]] = []
    report(tree, Pool(1), lambda *words: told.append(words))
    assert ("reading", 81, 81) in told
    assert told[-1] == ("looking at files, 78 findings", 79, 79)


def test_what_is_proved_is_counted_while_it_is(tmp_path: Path) -> None:
    for number in range(2):
        text = WORK.format(number=number, before=0).replace("from pkg.work0 import run as before\n", "")
        (tmp_path / f"work{number}.py").write_text(text.replace("before(rows)", "rows"))
    told: list[tuple[str, int, int]] = []
    with Prover(lambda *words: told.append(words)) as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None)
        report = run([tmp_path], Settings(tmp_path, Path(sys.executable)), load_rules(), ports, fix=True)
    assert [type(one.verdict) for one in report.fixed] == [Proved, Proved]
    # Of each fix the function, and its module, are sent and loaded, before and after it.
    assert told[0] == ("proving 2 fixes, step", 0, 16)
    counts = [done for _, done, _ in told]
    assert counts == sorted(counts) and counts[-1] == 16 and 8 in counts


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
    while left := [worker for worker in workers if Path(f"/proc/{worker}").exists()]:
        assert time.monotonic() < end, left  # a forkserver ends when it notices that nobody is left to ask it
        time.sleep(0.02)
    assert workers


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
@pytest.mark.parametrize(("columns", "interrupted"), [(80, False), (38, False), (80, True)])
def test_the_line_of_a_real_terminal_is_taken_away(tree: Path, columns: int, interrupted: bool) -> None:
    import fcntl
    import pty
    import struct
    import termios

    words = ["check", "--no-cache", "--jobs", "1", "--color", "never", "--output-format", "statistics", str(tree)]
    child, terminal_ = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-m", "fixpickle", *words])
    fcntl.ioctl(terminal_, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    while True:
        try:
            more = os.read(terminal_, 1 << 16)
        except OSError:  # what Linux says of a terminal that nobody writes to any more
            break
        said += more
        if interrupted and said.count(b"reading") == 1 and b"reading" in more:
            os.write(terminal_, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (130 if interrupted else 1)
    *shown, last = said.decode().split("\r\x1b[K")
    assert len(shown) > 1 and all(len(line) < columns for line in shown)
    assert last.startswith("fixpickle: interrupted\r\n" if interrupted else "rule ")
