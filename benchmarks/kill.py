"""Kills runs over a thousand files at fifty random moments: `python benchmarks/kill.py [MOMENTS] [FILES]`.

The fixes of the built-in rules are made once. Of five moments, one falls while they are proved: a process of its own
proves them, and is killed after a random part of the time that a whole proof takes. The tree must be as it was, and no
interpreter left. The other four fall while they are written: a process of its own writes, with the guard and the
journal of the command line, and is killed a random moment after a random one of the files was replaced. Every file must
be wholly old or wholly new, and `fixpickle undo` must give back every byte and leave nothing beside the files. Exits
with 1 at the first moment for which that is not so.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fixpickle.cli.request import Allow
from fixpickle.cli.writing import read_again, written
from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings, Source, Subject, Unproved, Verdict
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import prove

TEXT = "import threading\n\n\nclass Box{0}:\n    def __init__(self):\n        self.lock = threading.Lock()\n"


def contents(tree: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (tree / "pkg").glob("*.py")}


def beside(tree: Path) -> list[Path]:
    """What a run that was killed had staged beside the files."""
    return list((tree / "pkg").glob(".*.fixpickle"))


def generate(tree: Path, files: int) -> None:
    (tree / "pkg").mkdir(parents=True)
    (tree / "pyproject.toml").touch()
    (tree / "pkg" / "__init__.py").touch()
    for number in range(files):
        (tree / "pkg" / f"m{number:04}.py").write_text(TEXT.format(number))


class Proving:
    """Stands in for the proof of a run: it is killed at some moments, and done at last."""

    def __init__(self, tree: Path, chance: random.Random, moments: int) -> None:
        self.tree, self.chance, self.moments = tree, chance, moments

    def prove(self, *what: Any) -> Sequence[Verdict]:
        started = time.monotonic()
        verdicts = prove(*what)
        whole = time.monotonic() - started
        print(f"a proof of {len(verdicts)} fixes takes {whole:.1f} s")
        old = contents(self.tree)
        for moment in range(self.moments):
            part = (moment + self.chance.random()) / self.moments
            pid = started_apart(lambda: prove(*what))
            time.sleep(part * whole)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            time.sleep(0.5)
            left = interpreters()
            print(f"  killed after {part:.0%} of it: {len(left)} interpreters left", flush=True)
            if left or contents(self.tree) != old:
                raise SystemExit("the tree has changed, or an interpreter has outlived the run")
        return verdicts


def interpreters() -> list[int]:
    """The children of a proof that live, whoever started them from this folder."""
    mine = f"FIXPICKLE_KILLED={os.getpid()}".encode()
    return [pid for pid in running() if mine in environment(pid) and b"FIXPICKLE_PROOF=1" in environment(pid)]


def running() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def started_apart(work: Callable[[], object]) -> int:
    """The id of a process that does the work and ends."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def fixed(tree: Path, chance: random.Random, moments: int) -> tuple[RunReport, dict[Path, Source]]:
    """What a run over the tree would write."""
    settings = Settings(root=tree, python=Path(sys.executable))
    ports = Ports(Proving(tree, chance, moments).prove, lambda subjects, *_: examined(subjects), tidy, lambda *_: None)
    report = run([tree], settings, load_rules(), ports, fix=True)
    return report, read_again(report.changes)[0]


def examined(subjects: Sequence[Subject]) -> Sequence[Verdict]:
    return [Unproved("whole objects are not looked at here")] * len(subjects)


def write_all(report: RunReport, sources: dict[Path, Source]) -> float:
    """Writes without being killed. How long one file takes, in seconds."""
    started = time.monotonic()
    os.waitpid(started_apart(lambda: written(report, sources, Allow())), 0)
    return (time.monotonic() - started) / len(sources)


def killed(report: RunReport, sources: dict[Path, Source], file: Path, later: float) -> None:
    """Writes, and is killed so many seconds after that file was replaced."""
    before = file.stat().st_ino
    pid = started_apart(lambda: written(report, sources, Allow()))
    while file.stat().st_ino == before and os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(0.0002)
    time.sleep(later)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def undo(tree: Path) -> int:
    command = [sys.executable, "-m", "fixpickle", "undo"]
    return subprocess.run(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def main(moments: int = 50, files: int = 1000) -> int:
    os.environ["FIXPICKLE_KILLED"] = str(os.getpid())
    chance = random.Random(50)
    counts: list[int] = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        tree = Path(name).resolve() / "tree"
        generate(tree, files)
        report, sources = fixed(tree, chance, moments // 5)
        old = contents(tree)
        pace = write_all(report, sources)
        new = contents(tree)
        if len(new) != files + 2 or undo(tree) != 0 or contents(tree) != old:
            raise SystemExit("a run that nobody kills is not written and taken back")
        while len(counts) < moments - moments // 5:
            shutil.rmtree(tree / ".fixpickle", ignore_errors=True)
            file = tree / "pkg" / f"m{chance.randrange(files):04}.py"
            killed(report, sources, file, chance.random() * 2 * pace)
            now = contents(tree)
            torn = [path for path, data in now.items() if data not in (old.get(path), new.get(path))]
            counts.append(sum(data != old.get(path) for path, data in now.items()))
            staged = len(beside(tree))
            undo(tree)
            back = contents(tree) == old and not beside(tree)
            print(
                f"{len(counts):3}: {counts[-1]} of {files + 1} written, {staged} staged beside it, {len(torn)} torn,"
                f" all back: {back}",
                flush=True,
            )
            if torn or not back or old.keys() - now.keys():
                return 1
    halfway = sum(0 < count < files + 1 for count in counts)
    quarters = [sum(part * files / 4 < count <= (part + 1) * files / 4 for count in counts) for part in range(4)]
    print(f"{moments} kills over {files} files, {moments // 5} while proving, {len(counts)} while writing; of those,")
    print(f"{halfway} half-way, by quarters of the files {quarters}: no file torn, every byte back")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
