"""Files surveyed on a Ray cluster of two machines, as far as one machine can be two; workers and machines are lost."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixpickle.workers import Lost, Pool

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


def test_no_cluster_is_said_in_a_line(tree: Path) -> None:
    command = [sys.executable, "-m", "fixpickle", "check", "--executor", "ray", "--address", "127.0.0.1:1", "."]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "no Ray cluster answers at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
