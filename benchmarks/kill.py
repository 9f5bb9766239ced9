"""Kills runs that write over a thousand files at fifty random moments: `python benchmarks/kill.py [MOMENTS] [FILES]`.

The fixes of the built-in rules are made once. Then a process of its own writes them, with the guard and the journal of
the command line, and is killed with SIGKILL. Every other moment is spread over the time that a whole run takes, the
others over the time in which it replaces files, each at random within its part. Each time every file must be wholly old
or wholly new, and `fixpickle undo` must give back every byte. Exits with 1 at the first that does not.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fixpickle.cli.request import Allow
from fixpickle.cli.writing import read_again, written
from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings, Source
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import examine, prove

TEXT = "import threading\n\n\nclass Box{0}:\n    def __init__(self):\n        self.lock = threading.Lock()\n"


@dataclass(frozen=True, slots=True)
class Moment:
    """So many seconds after a run has started, or after it has begun to write."""

    writing: bool
    seconds: float


def contents(tree: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (tree / "pkg").glob("*.py")}


def fixed(tree: Path, files: int) -> tuple[RunReport, dict[Path, Source]]:
    """What a run over that many files would write."""
    (tree / "pkg").mkdir(parents=True)
    (tree / "pyproject.toml").touch()
    (tree / "pkg" / "__init__.py").touch()
    for number in range(files):
        (tree / "pkg" / f"m{number:04}.py").write_text(TEXT.format(number))
    settings = Settings(root=tree, python=Path(sys.executable), verify=False)
    report = run([tree], settings, load_rules(), Ports(prove, examine, tidy, lambda *_: None), fix=True)
    return report, read_again(report.changes)[0]


def killed(tree: Path, report: RunReport, sources: dict[Path, Source], moment: Moment | None) -> tuple[float, float]:
    """Writes in a process that is killed at a moment, or never. When it began to write and when it ended, in seconds.

    It begins with the file that the fixes bring along.
    """
    started, began = time.monotonic(), 0.0
    pid = os.fork()
    if pid == 0:
        try:
            written(report, sources, Allow())
        finally:
            os._exit(0)
    if moment is None or moment.writing:
        while not (tree / "pkg" / "_fixpickle_locks.py").exists():
            time.sleep(0.0005)
        began = time.monotonic() - started
    if moment is not None:
        time.sleep(moment.seconds)
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return began, time.monotonic() - started


def undo(tree: Path) -> int:
    command = [sys.executable, "-m", "fixpickle", "undo"]
    return subprocess.run(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def main(moments: int = 50, files: int = 1000) -> int:
    chance, halfway = random.Random(50), 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        tree = Path(name).resolve() / "tree"
        report, sources = fixed(tree, files)
        old = contents(tree)
        began, whole = killed(tree, report, sources, None)
        new = contents(tree)
        if len(new) != files + 2 or undo(tree) != 0 or contents(tree) != old:
            raise SystemExit("a run that nobody kills is not written and taken back")
        for moment in range(moments):
            shutil.rmtree(tree / ".fixpickle", ignore_errors=True)
            part = (moment + chance.random()) / moments
            killed(
                tree,
                report,
                sources,
                Moment(True, part * (whole - began)) if moment % 2 else Moment(False, part * whole),
            )
            now = contents(tree)
            torn = [path for path, data in now.items() if data not in (old.get(path), new.get(path))]
            changed = sum(data != old.get(path) for path, data in now.items())
            halfway += 0 < changed < files + 1
            undo(tree)
            back = contents(tree) == old
            print(f"{moment + 1:3}: {changed} of {files + 1} written, {len(torn)} torn, all back: {back}", flush=True)
            if torn or not back or old.keys() - now.keys():
                return 1
    print(f"{moments} kills over {files} files, {halfway} of them half-way: no file torn, every byte back")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
