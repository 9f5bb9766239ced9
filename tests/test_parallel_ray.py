"""The runtime's pair on joblib's Ray backend, written by the rule, on a real cluster of one machine."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("ray", "sklearn")), reason="needs ray and scikit-learn"
    ),
]

SCRIPT = """
import decimal
import json
import os
import sys
import threading
import time
import warnings

import ray
import sklearn
from joblib import Parallel, delayed, parallel_config
from ray.util.joblib import register_ray

own = threading.local()


def seen(_=None):
    time.sleep(0.001)
    first = warnings.filters[0]
    return sklearn.get_config()["assume_finite"], decimal.getcontext().prec, (first[0], first[2].__name__), os.getpid()


def nested(_):
    return Parallel(n_jobs=2)(delayed(seen)(i) for i in range(3))


def fails(i):
    decimal.getcontext().prec += 1
    raise KeyError(i)


def caught(**how):
    try:
        return [repr(Parallel(n_jobs=2, **how)(delayed(fails)(7) for i in range(4)))]
    except Exception as error:
        return [type(error).__name__, str(error).partition(" at 0x")[0], type(error.__cause__).__name__]


def unlike_the_call(parallel):
    # joblib's own call of the same object: the workers are the same ones, and nothing is sent along.
    return super(type(parallel), parallel).__call__(delayed(seen)(i) for i in range(20))


if __name__ == "__main__":
    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with parallel_config(backend="ray"):
        with Parallel(n_jobs=2) as parallel:
            with sklearn.config_context(assume_finite=True), decimal.localcontext(decimal.Context(prec=9)):
                warnings.simplefilter("error", ImportWarning)
                told = {"tasks": parallel(delayed(seen)(i) for i in range(60))}
            if len(sys.argv) > 1:
                told["later"] = unlike_the_call(parallel)
        with sklearn.config_context(assume_finite=True), decimal.localcontext(decimal.Context(prec=9)):
            told["nested"] = sum(Parallel(n_jobs=2)(delayed(nested)(i) for i in range(4)), [])
            told["error"], told["generator"] = caught(), caught(return_as="generator")
    ray.shutdown()
    print(json.dumps(told))
"""
SET = [True, 9, ["error", "ImportWarning"]]


def run(folder: Path, *arguments: str) -> Mapping[str, Any]:
    command = [sys.executable, "run.py", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_every_task_on_ray_sees_the_callers_configuration_and_no_later_one(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(SCRIPT)
    joblibs = run(tmp_path)
    assert not [state for *state, _ in joblibs["tasks"] + joblibs["nested"] if state == SET]
    command = [sys.executable, "-m", "fixpickle", "apply", "--select", "stateless-delayed", "--delayed-from", "runtime"]
    done = subprocess.run([*command, "run.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "[proved]" in done.stdout, done.stderr
    ours = run(tmp_path, "and later")
    assert [state for *state, _ in ours["tasks"]] == [SET] * 60
    assert [state for *state, _ in ours["nested"]] == [SET] * 12
    assert {pid for *_, pid in ours["later"]} <= {pid for *_, pid in ours["tasks"]}, "these workers are used again"
    assert {tuple(map(str, state)) for *state, _ in ours["later"]} == {
        tuple(map(str, state)) for *state, _ in joblibs["tasks"]
    }
    assert ours["error"] == joblibs["error"] and ours["error"][0] == "KeyError"
    # Ray's backend has no generators, with joblib's pair or any other.
    assert ours["generator"] == joblibs["generator"]
    assert ours["generator"][0] == "ValueError" and "RayBackend" in ours["generator"][1]
