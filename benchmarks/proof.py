"""What a proof costs, next to importing the modules once: `python benchmarks/proof.py [--write]`.

A package of 100 modules is generated, with a lambda and a lock in each that instances carry along: 200 fixes of the
built-in rules. One run of the engine proves them. Beside it, in the same process and in turns, a fresh interpreter
imports the same modules once: from their source, and once more as the control (A/A). Both are measured again on a copy
of the package that was imported before, so that its bytecode lies beside it. fixpickle's own files are compiled, as pip
leaves them. Seconds are of the processors, of everything that is started, and by the clock. Each ratio is to importing
from source in the same round, and the median over rounds. `--write` replaces the table in docs/proof.md.
"""

from __future__ import annotations

import compileall
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import fixpickle.verify
from fixpickle.engine import Ports, run
from fixpickle.model import Proved, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.verify import Prover

Result = TypeVar("Result")

ROUNDS, MODULES, TARGET = 5, 100, 3.0
PAGE = Path(__file__).parent.parent / "docs" / "proof.md"
MARK = "<!-- measured -->\n"

HEAD = '''"""Generated: module {number} of the package."""

import collections
import dataclasses
import json
import logging
import threading
import typing

{uses}
log = logging.getLogger(__name__)


@dataclasses.dataclass
class Row{number}:
    key: str = ""
    weight: float = 0.0
    tags: typing.List[str] = dataclasses.field(default_factory=list)


class Store{number}:
    def __init__(self):
        self.rows = collections.OrderedDict()
        self.rank = lambda row: (row.weight, row.key)
        self.lock = threading.Lock()
'''
METHOD = '''
    def step_{step}(self, rows, limit={step}):
        """Keeps what weighs more than `limit`."""
        with self.lock:
            for row in sorted(rows, key=self.rank):
                if row.weight > limit and row.key not in self.rows:
                    self.rows[row.key] = json.dumps(dataclasses.asdict(row), sort_keys=True)
                elif row.key:
                    log.debug("%s is there already, as %s", row.key, self.rows.get(row.key))
        return [key for key, text in self.rows.items() if len(text) > limit]
'''


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: of the processors, and by the clock."""

    cpu: float
    clock: float


def generate(root: Path) -> list[str]:
    """The package, below `root`; the names of its modules."""
    package = root / "bench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for number in range(MODULES):
        uses = f"from bench.m{number - 1:03} import Store{number - 1}\n" if number % 10 else ""
        text = HEAD.format(number=number, uses=uses) + "".join(METHOD.format(step=step) for step in range(12))
        (package / f"m{number:03}.py").write_text(text)
    return [f"bench.m{number:03}" for number in range(MODULES)]


def measured(work: Callable[[], None]) -> Cost:
    """What `work` costs, with all the processes that it starts and waits for."""
    clock, before = time.perf_counter(), _spent()
    work()
    return Cost(_spent() - before, time.perf_counter() - clock)


def _spent() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def importing(root: Path, modules: Sequence[str], *, write: bool = False) -> Callable[[], None]:
    """A fresh interpreter imports them; where it may `write`, it leaves their bytecode beside them."""
    code = f"import sys; sys.path.insert(0, {str(root)!r})\nimport " + ", ".join(modules)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *([] if write else ["-B"]), "-c", code]
    return lambda: subprocess.run(command, check=True, env=environment) and None


class Proof:
    """One run over the package, of which the calls of the proof are measured."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spent: list[Cost] = []

    def cost(self) -> Cost:
        """All that the proof cost. Raises SystemExit where it did not prove 200 fixes."""
        settings = Settings(root=self.root, python=Path(sys.executable))
        prover = Prover()
        ports = Ports(self._of(prover.prove), self._of(prover.examine), tidy, lambda *_: None)
        report = run([self.root / "bench"], settings, load_rules(), ports, fix=True)
        self._of(prover.__exit__)()
        proved = sum(isinstance(one.verdict, Proved) for one in report.fixed)
        if proved != 2 * MODULES or not all(isinstance(one.verdict, Proved) for one in report.carriers):
            raise SystemExit(f"{proved} fixes were proved, and not {2 * MODULES}")
        return Cost(sum(c.cpu for c in self.spent), sum(c.clock for c in self.spent))

    def _of(self, work: Callable[..., Result]) -> Callable[..., Result]:
        def timed(*arguments: Any) -> Result:
            found: list[Result] = []
            self.spent.append(measured(lambda: found.append(work(*arguments))))
            return found[0]

        return timed


def one_round(fresh: Path, used: Path, modules: Sequence[str]) -> dict[str, Cost]:
    return {
        "importing": measured(importing(fresh, modules)),
        "proof": Proof(fresh).cost(),
        "importing, again": measured(importing(fresh, modules)),
        "importing, with bytecode": measured(importing(used, modules)),
        "proof, with bytecode": Proof(used).cost(),
    }


def main() -> None:
    compileall.compile_dir(Path(fixpickle.verify.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as name:
        fresh, used = Path(name).resolve() / "fresh", Path(name).resolve() / "used"
        modules = generate(fresh)
        shutil.copytree(fresh, used)
        importing(used, modules, write=True)()
        rounds = [one_round(fresh, used, modules) for _ in range(ROUNDS)]
    page = table(rounds)
    print(page)
    if "--write" in sys.argv:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
        PAGE.write_text(before + MARK + page + MARK + rest.partition(MARK)[2], encoding="utf-8")


def table(rounds: Sequence[dict[str, Cost]]) -> str:
    lines = [
        "| what | CPU seconds | seconds by the clock | CPU, times importing | clock, times importing |",
        "|---|---|---|---|---|",
    ]
    for what in rounds[0]:
        cpu = statistics.median(r[what].cpu for r in rounds)
        clock = statistics.median(r[what].clock for r in rounds)
        ratios = (
            statistics.median(r[what].cpu / r["importing"].cpu for r in rounds),
            statistics.median(r[what].clock / r["importing"].clock for r in rounds),
        )
        lines.append(f"| {what} | {cpu:.2f} | {clock:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}"
    return "\n".join(["", *lines, "", f"Target: {TARGET:g} times. {machine}; medians of {len(rounds)} rounds.", "", ""])


if __name__ == "__main__":
    main()
