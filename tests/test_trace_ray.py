"""Ray's driver and workers under the recorder, for real."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.trace.record import Record, from_file

PROGRAM = """
import threading
import ray

class Service:
    def __init__(self):
        self.lock = threading.Lock()

@ray.remote
def takes(x):
    return 1

@ray.remote
def gives():
    return {"lock": threading.Lock()}

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
for call in (lambda: ray.get(takes.remote(Service())), lambda: ray.get(gives.remote())):
    try:
        call()
    except Exception as error:
        print(type(error).__name__)
ray.shutdown()
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_a_ray_program_is_recorded_in_its_driver_and_in_its_workers(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "fixpickle", "trace", "--time-limit", "180", "--", sys.executable, "prog.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    record = from_file(tmp_path / "fixpickle-trace.json")
    assert isinstance(record, Record) and done.returncode == 0, done.stderr
    assert done.stdout.split() == ["TypeError", "RayTaskError(TypeError)"]
    sent = next(f for f in record.failures if f.culprits[0].path == "Service.lock")
    assert sent.culprits[0].made is not None and sent.culprits[0].made.line == 7
    assert sent.site is not None and sent.site.through.startswith("ray.")
    assert any(f.main != str(tmp_path / "prog.py") for f in record.failures), "one of them failed in a worker"
