"""Programs whose tasks and arguments go to other interpreters of the same process, which pickle what is not shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.testing import find

PROGRAM = """\
import threading
from concurrent.futures import InterpreterPoolExecutor
from concurrent import interpreters


class Box:
    def __init__(self):
        self.lock = threading.Lock()
        self.n = 1

    def add(self, x):
        with self.lock:
            return self.n + x


def top(box):
    return box.add(1)


def main():
    k = 3

    def closure(x):
        return x + k

    def ready(x):
        print("ready", x + k)

    with InterpreterPoolExecutor(1, initializer=ready, initargs=(1,)) as pool:
        print(pool.submit(closure, 1).result(), list(pool.map(top, [Box(), Box()])))
    other = interpreters.create()
    print(other.call(closure, 1), other.call(top, Box()))
    queue = interpreters.create_queue()
    queue.put(Box())
    queue.put(lambda x: x * k)
    print(queue.get().add(3), queue.get()(2))


if __name__ == "__main__":
    main()
"""


def test_what_goes_to_another_interpreter_is_found(tmp_path: Path) -> None:
    found = find({"prog.py": PROGRAM.encode()}, tmp_path)
    assert [(mark.rule, mark.line) for mark in found] == [
        ("bare-lock", 8),
        ("local-function", 23),
        ("local-function", 26),
        ("lambda-value", 35),
    ]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python has them since 3.14")
def test_it_arrives_there_once_it_is_fixed(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(PROGRAM)
    put = tmp_path / "put.py"  # the pool waits for ever for an initializer that does not arrive
    put.write_text("import prog\nfrom concurrent import interpreters\ninterpreters.create_queue().put(prog.Box())\n")
    assert "NotShareableError" in ran(tmp_path, "put.py").stderr
    applied = ran(tmp_path, "-m", "fixpickle", "apply", "--no-cache", "prog.py")
    assert (applied.returncode, applied.stdout.count("[proved]")) == (0, 4), applied.stdout + applied.stderr
    after = ran(tmp_path, "prog.py")
    assert (after.stdout, after.returncode) == ("ready 4\n4 [2, 2]\n4 2\n4 6\n", 0), after.stderr
    assert ran(tmp_path, "put.py").returncode == 0


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, text=True, capture_output=True, timeout=300)
