"""What a check of a growing tree needs: `python benchmarks/growth.py TREE [--write] [--least MB]`.

TREE holds packages, as `site-packages` does. Of its files, package after package, the first MB megabytes are checked,
then twice, four, eight and, for 200 MB in all, 32 times as many, without a cache. Memory is the most that the process
which links and finds ever had, as Linux says it (`VmHWM`); the processes that survey are smaller and count for CPU time
alone.

`--write` replaces the table in docs/speed.md and the plot in docs/images/growth.svg.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from check_plot import curves

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- growth -->\n", "<!-- end of growth -->\n"
TIMES = (1, 2, 4, 8, 32)
TARGET = 400  # megabytes of memory for 200 of source

_CHILD = """
import json, re, resource, sys
from pathlib import Path
from fixpickle.cli import main
place = sys.argv.pop(1)
try:
    main()
finally:
    here, there = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    most = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    own, workers = (used.ru_utime + used.ru_stime for used in (here, there))
    Path(place).write_text(json.dumps([most / 1e6, own, own + workers]))
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A tree, and what its check needed: megabytes, and CPU seconds of the linking process and of all."""

    files: int
    size: float
    memory: float
    own: float
    every: float


def parts(tree: Path, least: float, work: Path) -> Iterator[tuple[int, float]]:
    """Copies more and more files of the tree; how many there are each time, and their megabytes."""
    every = (path for package in sorted(tree.iterdir()) for path in sorted(package.rglob("*.py")) if package.is_dir())
    count, size = 0, 0.0
    for times in TIMES:
        while size < times * least * 1e6:
            path = next(every, None)
            if path is None:
                raise SystemExit(f"{tree} has no more than {size / 1e6:.1f} MB")
            copy = work / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            count, size = count + 1, size + path.stat().st_size
        yield count, size / 1e6


def measured(folder: Path, files: int, size: float) -> Point:
    with tempfile.NamedTemporaryFile("r") as said:
        words = ["check", "--no-cache", "--quiet", "--exit-zero", str(folder)]
        subprocess.run([sys.executable, "-c", _CHILD, said.name, *words], check=True, stdout=subprocess.DEVNULL)
        memory, own, every = json.load(said)
    return Point(files, size, memory, own, every)


def page(points: Sequence[Point], tree: Path) -> str:
    last = points[-1]
    lines = [
        f"Parts of `{tree.name}`, Python {platform.python_version()}, one run.\n",
        "| times | files | MB of source | MB of memory | CPU s, linking process | CPU s, all | CPU s/MB, all |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for times, p in zip(TIMES, points, strict=True):
        cost = f"{p.own:.1f} | {p.every:.1f} | {p.every / p.size:.2f}"
        lines.append(f"| {times} | {p.files} | {p.size:.1f} | {p.memory:.0f} | {cost} |")
    steps = [(b.memory - a.memory) / (b.size - a.size) for a, b in pairwise(points)]
    told = ", ".join(f"{step:.2f}" for step in steps)
    linear = steps[-1] <= 1.25 * max(steps[:-1])
    lines += [
        "",
        f"- Memory for each further MB of source, from step to step: {told} MB. "
        f"At most linear growth is {'met' if linear else 'missed'}.",
        f"- {last.size:.0f} MB of source need {last.memory:.0f} MB of memory; the target for 200, {TARGET}, is "
        f"{'met' if last.memory <= TARGET * last.size / 200 else 'missed'}.",
        "",
        "![Memory and CPU time by the size of the tree](images/growth.svg)",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tree", type=Path)
    options.add_argument("--write", action="store_true")
    options.add_argument("--least", type=float, default=6.25, metavar="MB")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        points = [measured(Path(work), *part) for part in parts(asked.tree, asked.least, Path(work))]
    found = page(points, asked.tree)
    print(found)
    if asked.write:
        speed = DOCS / "speed.md"
        head, _, rest = speed.read_text(encoding="utf-8").partition(BEGIN)
        speed.write_text(head + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")
        lines = {
            "MB of memory": [(p.size, p.memory) for p in points],
            "CPU seconds": [(p.size, p.every) for p in points],
        }
        (DOCS / "images" / "growth.svg").write_text(curves("A check of a growing tree", "MB of source", lines))


if __name__ == "__main__":
    main()
