"""What a run costs here and on a cluster: `python benchmarks/cluster.py [TREE ...] [--write]`.

No cluster is needed: what would travel is pickled, sent nowhere, worked off in this process and pickled on the way
back, and each part counts for the side that it would be on, in CPU seconds of this process and all that it starts.
Ray's own part, a millisecond or so for a task, is not in it. What is measured are the engine's own runs: a check of
each TREE; all fixes of the first one, whatever their reach and without proof; and a proof of the 200 fixes of
benchmarks/proof.py. Without a TREE, two of the packages of precision.toml are downloaded.

`--write` replaces the table in docs/cluster.md.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import pickle
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from precision import unpacked, verdicts
from proof import generate

from fixpickle.discover import discover
from fixpickle.engine import Ports, run
from fixpickle.model import Evidence, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.source import read
from fixpickle.tidying import Tidying
from fixpickle.verify import Prover

PACKAGES = ("django", "pandas")
PAGE = Path(__file__).parent.parent / "docs" / "cluster.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"
STORE: dict[bytes, bytes] = {}


def stored(mark: bytes) -> bytes:
    """What was shared once, by its digest."""
    return STORE[mark]


@dataclass(slots=True)
class Spent:
    """CPU seconds to send, to do and to take in what comes back; megabytes there and back."""

    sent: float = 0.0
    done: float = 0.0
    taken: float = 0.0
    there: float = 0.0
    back: float = 0.0


@dataclass(slots=True)
class Metered:
    """Workers elsewhere that are none. What each function costs is told by its name."""

    spent: dict[str, Spent] = field(default_factory=dict)

    def share(self, data: bytes) -> Callable[[], bytes]:
        """It travels once, with the proof, and whoever has the digest has it."""
        mark = hashlib.sha256(data).digest()
        if mark not in STORE:
            STORE[mark] = data
            self.spent.setdefault("answer", Spent()).there += len(data) / 1e6
        return partial(stored, mark)

    def each(
        self, function: Callable[[Any], Any], items: Iterable[Any], *, together: int = 16
    ) -> Generator[Any, None, None]:
        one = self.spent.setdefault(getattr(function, "func", function).__name__, Spent())
        began = cpu()
        common = pickle.dumps(function, 5)
        one.sent, one.there = one.sent + cpu() - began, one.there + len(common) / 1e6
        for number, item in enumerate(items):
            times = [cpu()]
            there = pickle.dumps(item, 5)
            times.append(cpu())
            back = pickle.dumps(pickle.loads(common)(pickle.loads(there)), 5)
            times.append(cpu())
            result = pickle.loads(back)
            times.append(cpu())
            one.sent, one.done = one.sent + times[1] - times[0], one.done + times[2] - times[1]
            one.taken += times[3] - times[2]
            one.there, one.back = one.there + len(there) / 1e6, one.back + len(back) / 1e6
            if number % 16 == 0:  # a run does without, and what a worker leaves behind would be in another process
                gc.collect()
                gc.freeze()
                one.done += cpu() - times[3]
            yield result


def cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def ran(folder: Path, metered: Metered, *, fix: bool, **more: Any) -> tuple[RunReport, float]:
    """One run of the engine, and the CPU seconds of it that were not spent elsewhere."""
    settings = Settings(folder, Path(sys.executable), **more)
    began = cpu()
    with Prover(None, metered) as prover:
        tidying = Tidying(metered, lambda *_: None)
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None, executor=metered, tidy_all=tidying)
        report = run([folder], settings, load_rules(), ports, fix=fix)
    return report, cpu() - began - sum(one.done for one in metered.spent.values())


def checking(tree: Path) -> Iterator[str]:
    paths, _ = discover([tree], (), tree)
    size = sum(path.stat().st_size for path in paths) / 1e6
    began = time.process_time()
    for path in paths:
        read(path)
    reading = time.process_time() - began
    metered = Metered()
    report, here = ran(tree, metered, fix=False)
    one = metered.spent["survey"]
    rest = (here - reading - one.sent - one.taken) / size
    most = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]
    name = f"{tree.name}, {size:.1f} MB, {len(report.left)} findings"
    yield from (
        f"| {name} | read, here | {reading / size:.3f} s | |",
        f"| | send, here | {one.sent / size:.4f} s | {one.there / size:.2f} MB |",
        f"| | survey, on the cluster | {one.done / size:.2f} s | |",
        f"| | take in, here | {one.taken / size:.3f} s | {one.back / size:.2f} MB |",
        f"| | pack, link and find, here | {rest:.2f} s | {most:.0f} MB of memory in all |",
    )


def rewriting(tree: Path) -> Iterator[str]:
    metered = Metered()
    report, here = ran(tree, metered, fix=True, verify=False, reach=Evidence.ANY, unsafe_fixes=True)
    fixes, again = len(report.fixed) / 1000, metered.spent["survey"]
    one, look = metered.spent["_by_black"], metered.spent["_look"]
    name = f"{len(report.fixed)} fixes in {len(report.changes)} files of {tree.name}, without proof"
    yield from (
        f"| {name} | format, on the cluster | {one.done / fixes:.1f} s | {(one.there + one.back) / fixes:.1f} MB |",
        f"| | check, on the cluster | {look.done / fixes:.1f} s | {(look.there + look.back) / fixes:.1f} MB |",
        f"| | survey all files, and again what changed, on the cluster | {again.done / fixes:.1f} s | |",
        f"| | the rest, here, all files read and linked | {here / fixes:.1f} s | |",
    )


def proving() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        generate(root)
        metered = Metered()
        report, here = ran(root, metered, fix=True)
    fixes, one = len(report.fixed) / 1000, metered.spent["answer"]
    made = f"{len(report.fixed)} fixes in 100 generated modules"
    yield from (
        f"| {made} | prove, on the cluster | {one.done / fixes:.1f} s | {(one.there + one.back) / fixes:.1f} MB |",
        f"| | the rest, here | {here / fixes:.1f} s | |",
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("trees", type=Path, nargs="*", metavar="TREE")
    options.add_argument("--write", action="store_true")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "fixpickle-peers" / "wheels")
    options.add_argument("--only", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.only is not None:  # in a process of its own, whose memory is the stage's
        stage = {"check": checking, "rewrite": rewriting, "prove": lambda _: proving()}[asked.only]
        print("\n".join(stage(asked.trees[0])))
        return
    asked.work.mkdir(parents=True, exist_ok=True)
    trees = asked.trees or [unpacked(name, verdicts().packages[name][0], asked.work) for name in PACKAGES]
    head = "| what | step | CPU for each MB, or for 1000 fixes | that travel, or stay |\n|---|---|---:|---:|\n"
    stages = [*(("check", tree) for tree in trees), ("rewrite", trees[0]), ("prove", trees[0])]
    table = head + "".join(_stage(*stage) for stage in stages) + f"\nPython {platform.python_version()}, one run.\n"
    print(table)
    if asked.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", "utf-8")


def _stage(stage: str, tree: Path) -> str:
    command = [sys.executable, __file__, str(tree.absolute()), "--only", stage]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
