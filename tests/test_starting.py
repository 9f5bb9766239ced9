"""Objects that are pickled because a process starts: programs run before and after, their processes spawned."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

START = """

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
"""

OF_ITS_OWN = """\
import multiprocessing
import threading


class Reader(multiprocessing.Process):
    def __init__(self, name="reader"):
        super().__init__(name=name)
        self.lock = threading.Lock()
        self.clean = lambda row: row.strip()
        self.found = multiprocessing.Queue()
        self.here, self.there = multiprocessing.Pipe()
        self.stop = multiprocessing.Event()
        self.counted = multiprocessing.Value("i", 3)
        self.sizes = multiprocessing.Array("d", 100)
        self.opened = None

    def run(self):
        self.opened = threading.Lock()
        with self.lock, self.opened, self.counted:
            self.counted.value += 1
            self.sizes[7] = 2.5
            self.found.put(self.clean(" row "))


def main():
    reader = Reader()
    reader.start()
    print(reader.found.get(timeout=60))
    reader.join()
    print(reader.counted.value, reader.sizes[7])
"""

HANDED = """\
import multiprocessing
import threading


class Crawler:
    def __init__(self):
        self.lock = threading.RLock()
        self.pages = {}
        self.found = multiprocessing.SimpleQueue()
        self.idle = multiprocessing.Condition()

    def start(self):
        self.process = multiprocessing.Process(target=self.work)
        self.process.start()

    def work(self):
        with self.lock, self.idle:
            self.pages["/"] = 1
            self.found.put(len(self.pages))


def main():
    crawler = Crawler()
    crawler.start()
    print(crawler.found.get())
    crawler.process.join()
"""

KEPT_OF_ANOTHER = """\
import multiprocessing
import queue


class Jobs:
    def __init__(self, limit=3):
        self.waiting = queue.Queue(limit)
        self.done = multiprocessing.JoinableQueue()


class Desk:
    def __init__(self):
        self.jobs = Jobs()
        self.jobs.waiting.put("first")


def serve(desk):
    desk.jobs.done.put(desk.jobs.waiting.get())


def main():
    desk = Desk()
    process = multiprocessing.Process(target=serve, args=(desk,))
    process.start()
    print(desk.jobs.done.get(timeout=60))
    process.join()
"""


@pytest.mark.parametrize(
    ("text", "printed", "whole"),
    [
        pytest.param(OF_ITS_OWN, "row\n4 2.5\n", "prog.Reader", id="a process"),
        pytest.param(HANDED, "1\n", "prog.Crawler", id="an object whose method a process is given"),
        pytest.param(KEPT_OF_ANOTHER, "first\n", "prog.Desk", id="an object kept by one that a process is given"),
    ],
)
def test_it_starts_once_it_is_fixed_and_the_proof_handed_it_over_whole(
    text: str, printed: str, whole: str, tmp_path: Path, run_in: Run
) -> None:
    (tmp_path / "prog.py").write_text(text + START)
    before = ran(tmp_path, "prog.py")
    assert before.returncode == 1 and "cannot pickle" in before.stderr
    applied = run_in(tmp_path, "apply", "--no-cache", "--python", sys.executable, "prog.py")
    assert applied.returncode == 0, applied.stderr
    assert f"{whole} crosses now" in applied.stdout
    after = ran(tmp_path, "prog.py")
    assert (after.stdout, after.returncode) == (printed, 0), after.stderr
    assert "opened = threading.Lock()" not in text or "opened = threading.Lock()" in (tmp_path / "prog.py").read_text()


def test_a_proof_says_that_it_was_handed_over_to_start_and_what_nobody_can_be_handed(
    tmp_path: Path, run_in: Run
) -> None:
    (tmp_path / "prog.py").write_text(HANDED + START)
    applied = run_in(tmp_path, "apply", "--no-cache", "--dry-run", "prog.py")
    assert "an instance from its constructor; handed to a process as it starts" in applied.stdout
    kept = HANDED.replace("self.pages = {}", "self.pages = (page for page in ())")
    (tmp_path / "prog.py").write_text(kept + START)
    applied = run_in(tmp_path, "apply", "--no-cache", "--dry-run", "--select", "bare-lock", "prog.py")
    assert "prog.Crawler does not cross yet" in applied.stdout
    assert "cannot pickle 'generator' object; Crawler.pages is a generator" in applied.stdout


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, text=True, capture_output=True, timeout=300)
