"""What a check costs, next to reading, to parsing and to ruff: `python benchmarks/check.py TREE [--write]`.

Reading, `ast.parse` and the survey run in this process, file by file; `fixpickle check` and `ruff check` (two rules,
no cache, no configuration) are processes of their own, in CPU seconds of all they start and in seconds by the clock.
All take turns in one run; each ratio is the median over rounds. Parsing and ruff come twice a round: what the second
differs from the first is noise (A/A). `--write` replaces the table in docs/speed.md. `ruff` has to be on the path, or
beside the interpreter.
"""

from __future__ import annotations

import ast
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fixpickle.discover import discover
from fixpickle.model import Source
from fixpickle.source import read
from fixpickle.survey import survey

Item = TypeVar("Item")

ROUNDS = 5
RULES = "E731,B023"  # lambdas that are assigned, and functions that capture what a loop binds
PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
MARK = "<!-- measured -->\n"
TARGET = 2.5  # times ruff, by the clock


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: of the processors, and by the clock."""

    cpu: float
    clock: float


def inside(work: Callable[[], None]) -> Cost:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - clock)


def outside(command: list[str]) -> Cost:
    clock, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, end - clock)


def ruff() -> str:
    beside = Path(sys.executable).with_name("ruff")
    found = str(beside) if beside.exists() else shutil.which("ruff")
    if found is None:
        raise SystemExit("there is no ruff to compare with")
    return found


def one_round(tree: Path, files: tuple[Path, ...], sources: list[Source]) -> dict[str, Cost]:
    check = [sys.executable, "-m", "fixpickle", "check", "--no-cache", "--quiet", "--exit-zero", str(tree)]
    lint = [ruff(), "check", "--isolated", "--no-cache", "--quiet", "--exit-zero", "--select", RULES, str(tree)]
    return {
        "reading": inside(lambda: _each(read, files)),
        "ast.parse": inside(lambda: _each(_parse, sources)),
        "survey": inside(lambda: _each(survey, sources)),
        "ast.parse, again": inside(lambda: _each(_parse, sources)),
        "ruff": outside(lint),
        "fixpickle check": outside(check),
        "ruff, again": outside(lint),
    }


def _each(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    for item in items:
        work(item)


def _parse(source: Source) -> None:
    try:
        ast.parse(source.text)
    except SyntaxError:
        return


def table(tree: Path, rounds: list[dict[str, Cost]], sources: list[Source]) -> str:
    """The medians and ratios as Markdown, with how noisy the machine was and how far the target is."""
    size = sum(len(s.text) for s in sources) / 1e6
    cores = os.cpu_count() or 1
    lines = [
        f"`{tree.name}`: {len(sources)} files, {size:.1f} MB. Python {platform.python_version()}, {_version()}, "
        f"{len(rounds)} rounds, {_load(cores)}.\n",
        "| | CPU s | s by the clock | CPU, times `ast.parse` | CPU, times ruff | clock, times ruff |",
        "|---|---|---|---|---|---|",
    ]
    for name in rounds[0]:
        ratios = [_ratio(rounds, name, "ast.parse", "cpu"), _ratio(rounds, name, "ruff", "cpu")]
        ratios.append(_ratio(rounds, name, "ruff", "clock"))
        own = [statistics.median(getattr(r[name], unit) for r in rounds) for unit in ("cpu", "clock")]
        lines.append(f"| {name} | {own[0]:.2f} | {own[1]:.2f} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    times = _ratio(rounds, "fixpickle check", "ruff", "clock")
    said = "met" if times <= TARGET else f"missed: it takes {times / TARGET:.1f} times as long as that"
    lines.append(f"\nThe target, {TARGET} times ruff by the clock, is {said}.")
    return "\n".join(lines) + "\n"


def _ratio(rounds: list[dict[str, Cost]], name: str, base: str, unit: str) -> float:
    return statistics.median(getattr(r[name], unit) / getattr(r[base], unit) for r in rounds)


def _version() -> str:
    return subprocess.run([ruff(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _load(cores: int) -> str:
    """How many processes wanted a core, of which this benchmark's own are one to all cores."""
    return f"a load of {os.getloadavg()[0]:.1f} on {cores} cores at the end"


def main() -> None:
    tree = Path(sys.argv[1]).absolute()
    files, _ = discover([tree], (), tree)
    sources = [source for source in map(read, files) if isinstance(source, Source)]
    rounds = [one_round(tree, files, sources) for _ in range(ROUNDS)]
    found = table(tree, rounds, sources)
    print(found)
    if "--write" in sys.argv[2:]:
        head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
        PAGE.write_text(head + MARK + found, encoding="utf-8")


if __name__ == "__main__":
    main()
