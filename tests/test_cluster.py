"""Files surveyed, rewritten and proved on a cluster of two machines, as far as one can be two, some of them lost."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import Proved, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.tidying import Tidying
from fixpickle.verify import Prover
from fixpickle.verify.there import answer
from fixpickle.workers import Executor, Lost, Pool, Remote

if importlib.util.find_spec("tests") is None:
    pytest.skip("the tests are not importable", allow_module_level=True)
from tests.test_workers import report, tree

__all__ = ["tree"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray"),
]


@pytest.fixture
def machines() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    local = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    local.second = local.add_node(num_cpus=1)
    yield local
    local.shutdown()


def test_a_check_on_two_machines_prints_what_one_process_prints(machines: Any, tree: Path) -> None:
    said = []
    for words in (["--executor", "ray", "--address", machines.address], ["--jobs", "1"]):
        command = [sys.executable, "-m", "fixpickle", "check", "--no-cache", "--output-format", "sarif", *words, "."]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        said.append(re.sub(r"[0-9.]+ s$", "", done.stdout, flags=re.MULTILINE))
    assert said[0] == said[1] and "work79.py" in said[0]


def test_what_a_killed_worker_and_a_lost_machine_had_is_done_again(machines: Any, tree: Path, tmp_path: Path) -> None:
    from fixpickle.workers.cluster import Cluster

    mark = tmp_path / "killed"

    def once(number: int) -> int:
        if number == 37 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    def told(what: str, done: int, of: int) -> None:
        if (what, done) == ("reading", 20):
            machines.remove_node(machines.second, allow_graceful=False)

    cluster = Cluster(machines.address)
    try:
        assert list(cluster.each(once, range(200))) == [n * n for n in range(200)]
        assert mark.exists()
        assert report(tree, cluster, told) == report(tree, Pool(1))
    finally:
        cluster.close()


def test_an_item_that_kills_every_worker_is_named_as_the_reason(machines: Any) -> None:
    from fixpickle.workers.cluster import Cluster

    cluster = Cluster(machines.address)
    try:
        with pytest.raises(Lost, match="the cluster lost a task 6 times"):
            list(cluster.each(lambda _: os.kill(os.getpid(), signal.SIGKILL), [1]))
    finally:
        cluster.close()


def test_what_is_shared_is_put_into_the_store_once_and_let_go_at_the_end(machines: Any) -> None:
    import ray

    from fixpickle.workers.cluster import Cluster

    ray.init(machines.address, log_to_driver=False)
    held = (
        ray._private.worker.global_worker.core_worker.get_all_reference_counts
    )  # what is in the store for this process
    try:
        cluster = Cluster()  # which leaves Ray as it found it
        before = len(held())
        first, again, other = (cluster.share(b"%d" % number * 1_000_000) for number in (1, 1, 2))
        assert first is again and len(held()) == before + 2
        assert list(cluster.each(lambda piece: len(piece()), [first, other] * 10)) == [1_000_000] * 20
        cluster.close()
        del first, again, other
        until = time.monotonic() + 30
        while len(held()) > before and time.monotonic() < until:
            time.sleep(0.2)
        assert len(held()) == before
    finally:
        ray.shutdown()


def _full(_: int) -> int:
    raise OSError(28, "No space left on device")


class Unpackable:
    """Work that a worker without some module cannot unpack."""

    def __reduce__(self) -> Any:
        return importlib.import_module, ("no_such_module_there",)

    def __call__(self, number: int) -> int:
        return number


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda n: _full(n), "No space left on device; see to its disk"),
        (lambda _: importlib.import_module("no_such_module_there"), "'no_such_module_there'; install there"),
        (Unpackable(), "'no_such_module_there'; install there"),
    ],
)
def test_a_worker_that_cannot_do_the_work_is_said_in_a_line(machines: Any, work: Any, reason: str) -> None:
    from fixpickle.workers.cluster import Cluster

    cluster = Cluster(machines.address)
    try:
        with pytest.raises(Lost, match=f"a worker of the cluster cannot do its work: [^\n]*{reason}"):
            list(cluster.each(work, [1]))
        with pytest.raises(ZeroDivisionError):  # a bug is none
            list(cluster.each(lambda n: n // 0, [1]))
    finally:
        cluster.close()


def test_no_cluster_is_said_in_a_line(tree: Path) -> None:
    command = [sys.executable, "-m", "fixpickle", "check", "--executor", "ray", "--address", "127.0.0.1:1", "."]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "no Ray cluster answers at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


# --- rewriting and proof --------------------------------------------------------------------------------------------

WORK = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row * {number}, rows)
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Two packages, with files enough to be rewritten on a cluster."""
    for package in ("first", "second"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        for number in range(35):
            (tmp_path / package / f"work{number}.py").write_text(WORK.format(number=number))
    return tmp_path


def rewritten(tree: Path, executor: Executor) -> RunReport:
    with Prover(None, executor if isinstance(executor, Remote) else None) as prover:
        tidying = Tidying(executor, lambda *_: None)
        ports = Ports(prover.prove, prover.examine, tidy, lambda *_: None, executor=executor, tidy_all=tidying)
        report = run([tree], Settings(tree, Path(sys.executable)), load_rules(), ports, fix=True)
    assert len(report.fixed) == 70 and all(isinstance(one.verdict, Proved) for one in report.fixed)
    return replace(report, seconds=0.0)


class Deadly:
    """A cluster of which a worker is killed in each stage: while it surveys, formats, checks and proves."""

    def __init__(self, cluster: Any, marks: Path) -> None:
        self.cluster, self.marks, self.share = cluster, marks, cluster.share

    def each(self, function: Any, items: Iterable[Any], *, together: int = 16) -> Iterator[Any]:
        mark = self.marks / getattr(function, "func", function).__name__

        def once(item: Any) -> Any:
            result = function(item)
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return self.cluster.each(once, items, together=together)  # type: ignore[no-any-return]


def test_a_worker_that_is_killed_in_any_stage_costs_nothing(machines: Any, jobs: Path, tmp_path_factory: Any) -> None:
    from fixpickle.workers.cluster import Cluster

    marks = tmp_path_factory.mktemp("marks")
    cluster = Cluster(machines.address)
    try:
        there = rewritten(jobs, Deadly(cluster, marks))
    finally:
        cluster.close()
    assert sorted(mark.name for mark in marks.iterdir()) == ["_by_black", "_look", "answer", "survey"]
    assert there == rewritten(jobs, Pool(1))


def test_a_machine_that_is_lost_while_it_proves_costs_nothing(machines: Any, jobs: Path) -> None:
    from fixpickle.workers.cluster import Cluster

    class Leaving(Cluster):
        def each(self, function: Any, items: Any, *, together: int = 16) -> Any:
            every = super().each(function, items, together=together)
            if getattr(function, "func", function) is answer and machines.second is not None:
                yield next(every)
                machines.remove_node(machines.second, allow_graceful=False)
                machines.second = None
            yield from every

    cluster = Leaving(machines.address)
    try:
        assert rewritten(jobs, cluster) == rewritten(jobs, Pool(1))
        assert machines.second is None
    finally:
        cluster.close()


@pytest.mark.parametrize("form", ["sarif", "diff"])
def test_apply_on_two_machines_prints_what_it_prints_here(machines: Any, jobs: Path, form: str) -> None:
    said = []
    for words in (["--executor", "ray", "--address", machines.address], ["--jobs", "1"]):
        how = ["--diff"] if form == "diff" else ["--dry-run", "--output-format", form]
        command = [sys.executable, "-m", "fixpickle", "apply", "--no-cache", *how, *words, "."]
        done = subprocess.run(command, cwd=jobs, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        said.append(re.sub(r"[0-9.]+ s$", "", done.stdout, flags=re.MULTILINE))
    assert said[0] == said[1] and "second/work34.py" in said[0]
