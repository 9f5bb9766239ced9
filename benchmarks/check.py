"""What a check costs, next to its peers: `python benchmarks/check.py [TREE] [--write] [--rounds N] [--sample MB]`.

TREE is any folder. Without one, the wheels of PACKAGES are downloaded in the versions that precision.toml has, and
unpacked side by side below `--work`: about 50 MB of source, for which the targets are stated.

Reading, a search of the bytes, `ast.parse` and the survey run in this process, file by file. ruff (two rules, no cache,
no configuration), ast-grep (one pattern), a codemod that does nothing by libcst's own runner, Fixit (one rule),
codemodder (one codemod) and `fixpickle check`, cold, warm and after one file was changed, are processes of their own,
in CPU seconds of all they start and in seconds by the clock. All take turns in one run, on the same files; the
codemods, which take ten to twenty seconds to the megabyte, on a sample of them. Each ratio is the median over rounds.
Parsing and ruff come twice a round: what the second differs from the first is noise (A/A).

Then each is asked where a lambda is assigned to a name, in as many files that have a lambda, and what it says is
compared with `ast`. codemodder is not: none of its codemods is about lambdas.

The peers are installed by pip in an environment below `--work`. `--write` replaces the table in docs/speed.md and the
plot in docs/images/speed.svg.
"""

from __future__ import annotations

import argparse
import ast
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from check_peers import Named, Peers, named
from check_plot import bars
from precision import unpacked, verdicts

from fixpickle.discover import discover
from fixpickle.model import Source
from fixpickle.source import read
from fixpickle.survey import survey

Item = TypeVar("Item")

DOCS = Path(__file__).parent.parent / "docs"
MARK = "<!-- measured -->\n"
START = "starting fixpickle"
PACKAGES = ("scikit-learn", "distributed", "django", "pandas", "nltk")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: of the processors, and by the clock; and the megabytes they were for."""

    cpu: float
    clock: float
    size: float


@dataclass(frozen=True, slots=True)
class Files:
    """What is measured on: a tree and the part of it that the codemods get."""

    peers: Peers
    sources: Sequence[Source]
    size: float
    sampled: float


def inside(work: Callable[[], None], size: float) -> Cost:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - clock, size)


def outside(command: list[str], size: float) -> Cost:
    clock, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, end - clock, size)


def one_round(files: Files) -> dict[str, Cost]:
    peers, sources, size = files.peers, files.sources, files.size
    paths, commands = [source.path for source in sources], peers.commands()
    costs = {
        "reading": inside(lambda: _each(Path.read_bytes, paths), size),
        "byte search": inside(lambda: _each(_searched, paths), size),
        "ast.parse": inside(lambda: _each(_parse, sources), size),
        "survey": inside(lambda: _each(survey, sources), size),
        "ast.parse, again": inside(lambda: _each(_parse, sources), size),
    }
    costs |= {name: outside(command, size) for name, command in commands.items()}
    costs["ruff, again"] = outside(commands["ruff"], size)
    with _one_file_changed(paths[len(paths) // 2]):
        costs["fixpickle, one file changed"] = outside(commands["fixpickle, warm"], size)
    outside(commands["fixpickle, warm"], size)
    costs[START] = outside([sys.executable, "-m", "fixpickle", "--version"], size)
    return costs | {name: outside(command, files.sampled) for name, command in peers.codemods().items()}


class _one_file_changed:
    """A function is added at the end of a file, for as long as it takes."""

    def __init__(self, path: Path) -> None:
        self.path, self.data = path, path.read_bytes()

    def __enter__(self) -> None:
        self.path.write_bytes(self.data + b"\n\ndef added_by_a_benchmark(x):\n    return x\n")

    def __exit__(self, *_: object) -> None:
        self.path.write_bytes(self.data)


def _each(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    for item in items:
        work(item)


def _searched(path: Path) -> bool:
    return b"lambda" in path.read_bytes()


def _parse(source: Source) -> None:
    try:
        ast.parse(source.text)
    except SyntaxError:
        return


# --- tables ---------------------------------------------------------------------------------------------------------


def table(rounds: list[dict[str, Cost]]) -> str:
    """The medians, for each megabyte, and ratios as Markdown."""
    lines = [
        "| | CPU s/MB | clock s/MB | CPU, times `ast.parse` | CPU, times ruff | clock, times ruff |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in (name for name in rounds[0] if name != START):
        own = [_median(rounds, name, unit) for unit in ("cpu", "clock")]
        ratios = [_ratio(rounds, name, "ast.parse", "cpu"), _ratio(rounds, name, "ruff", "cpu")]
        ratios.append(_ratio(rounds, name, "ruff", "clock"))
        lines.append(f"| {name} | {own[0]:.4f} | {own[1]:.4f} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    return "\n".join(lines) + "\n"


def _per(cost: Cost, unit: str) -> float:
    return float(getattr(cost, unit)) / cost.size


def _median(rounds: list[dict[str, Cost]], name: str, unit: str) -> float:
    return statistics.median(_per(r[name], unit) for r in rounds)


def _ratio(rounds: list[dict[str, Cost]], name: str, base: str, unit: str) -> float:
    return statistics.median(_per(r[name], unit) / _per(r[base], unit) for r in rounds)


def targets(rounds: list[dict[str, Cost]]) -> str:
    """How far it is from what it is to be."""
    cold = _ratio(rounds, "fixpickle, cold", "ruff", "clock")
    warm = _ratio(rounds, "fixpickle, warm", "ruff", "clock")
    noop = _ratio(rounds, "libcst's codemod runner, no-op", "fixpickle, cold", "cpu")
    lines = [
        _said("Cold, by the clock, times ruff", cold, 2.5, cold <= 2.5),
        _said("Warm, by the clock, times ruff", warm, 1.0, warm <= 1.0),
        _said("libcst's runner with a codemod that does nothing, in CPU time, times cold", noop, 100, noop >= 100),
        *(_said(*_beyond(rounds, unit), 1.0, _beyond(rounds, unit)[1] <= 1) for unit in ("clock", "cpu")),
    ]
    return "\n".join(lines) + "\n"


def _beyond(rounds: list[dict[str, Cost]], unit: str) -> tuple[str, float]:
    """What a check takes after one file was changed, beyond what it takes to start."""
    seconds = (getattr(r["fixpickle, one file changed"], unit) - getattr(r[START], unit) for r in rounds)
    how = {"clock": "by the clock", "cpu": "in CPU time"}[unit]
    return f"After one file was changed, seconds beyond the start, {how}", statistics.median(seconds)


def _said(what: str, value: float, target: float, met: bool) -> str:
    return f"- {what}: {value:.1f}; the target, {target:g}, is {'met' if met else 'missed'}."


def answers(files: Files) -> str:
    """How many lambdas with a name each tool finds in files that have lambdas, and in what it differs from `ast`."""
    peers = replace(files.peers, part="asked")
    having = [source for source in files.sources if "lambda" in source.text]
    step = max(1, round(sum(len(source.text) for source in having) / 1e6 / (files.sampled * 2)))
    peers.take(source.path for source in having[::step])
    truth = {one.place: one for one in named(peers.sample)}
    lines = ["| | found of these | not found | found besides |", "|---|---:|---|---:|"]
    for tool, places in peers.answers().items():
        missed = [one for place, one in truth.items() if place not in places]
        besides = "" if tool.startswith("fixpickle") else str(len(places - truth.keys()))
        lines.append(f"| {tool} | {len(truth) - len(missed)} | {_where(missed)} | {besides} |")
    return (
        f"`ast` finds {len(truth)} in {len(list(peers.sample.rglob('*.py'))) - 1} files.\n\n" + "\n".join(lines) + "\n"
    )


def _where(missed: Sequence[Named]) -> str:
    counted = Counter(one.where for one in missed)
    return ", ".join(f"{count} {where}" for where, count in sorted(counted.items()))


def page(files: Files, rounds: list[dict[str, Cost]]) -> str:
    cores = os.cpu_count() or 1
    tree = files.peers.tree
    folders = ", ".join(sorted(f.name for f in tree.iterdir() if next(f.rglob("*.py"), None))) if tree.is_dir() else ""
    head = (
        f"{folders}: {len(files.sources)} files, {files.size:.1f} MB, of which the codemods get "
        f"{files.sampled:.1f} MB. Python {platform.python_version()}, {files.peers.versions()}; {len(rounds)} rounds, "
        f"a load of {os.getloadavg()[0]:.1f} on {cores} cores at the end.\n"
    )
    plot = "![CPU seconds for each megabyte of source](images/speed.svg)\n"
    question = "The question that all can answer: where is a lambda assigned to a name?"
    return "\n".join([head, table(rounds), targets(rounds), plot, f"{question} {answers(files)}"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tree", type=Path, nargs="?")
    options.add_argument("--write", action="store_true")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--sample", type=float, default=1.0, metavar="MB")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "fixpickle-peers")
    asked = options.parse_args()
    work = asked.work.absolute()
    files = prepared(asked.tree.absolute() if asked.tree else wheels(work / "wheels"), work, asked.sample)
    outside(files.peers.commands()["fixpickle, warm"], files.size)  # fills the cache
    rounds = [one_round(files) for _ in range(asked.rounds)]
    found = page(files, rounds)
    print(found)
    if asked.write:
        speed = DOCS / "speed.md"
        head, _, _ = speed.read_text(encoding="utf-8").partition(MARK)
        speed.write_text(head + MARK + found, encoding="utf-8")
        values = {
            name: _median(rounds, name, "cpu") for name in rounds[0] if not name.endswith("again") and name != START
        }
        (DOCS / "images" / "speed.svg").write_text(bars("CPU time of a check", "s/MB", values), encoding="utf-8")


def wheels(tree: Path) -> Path:
    """The packages, each unpacked in a folder of its own."""
    tree.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        unpacked(name, verdicts().packages[name][0], tree)
    return tree


def prepared(tree: Path, work: Path, megabytes: float) -> Files:
    """The tools installed, the sample taken, the cache empty."""
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work / "cache", ignore_errors=True)
    peers = Peers(work, tree)
    peers.install()
    paths, _ = discover([tree], (), tree)
    sources = [source for source in map(read, paths) if isinstance(source, Source)]
    size = sum(len(source.text) for source in sources) / 1e6
    step = max(1, round(size / megabytes))
    some = sources[::step]
    peers.take(source.path for source in some)
    return Files(peers, sources, size, sum(len(source.text) for source in some) / 1e6)


if __name__ == "__main__":
    main()
