"""Ray Tune itself: what it makes of a trainable, without a cluster, and one real trial. `make examples` runs these."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.model import Edit, Evidence, Finding, Ground, Patch, Proved, Reach, Refuted, Settings, Span, Trainable
from fixpickle.verify import prove

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray"),
]

SCRIPT = """\
import threading
from ray import tune

lock = threading.RLock()


def train(config):
    with lock:
        tune.report({"loss": config["x"]})


class Own(tune.Trainable):
    lock = threading.RLock()

    def step(self):
        return {"loss": 1}


if __name__ == "__main__":
    tune.run(train, config={"x": tune.grid_search([1, 2])})
    raise SystemExit("after the trial")
"""
LOCK = "lock = threading.RLock()\n\n\ndef"
UNLOCKED = "import contextlib\nlock = contextlib.nullcontext()\n\n\ndef"


def patch(path: Path, old: str, new: str, name: str) -> Patch:
    at = SCRIPT.index(old)
    finding = Finding("bare-lock", path, Span(at, at + len(old), 4, 8), "m", Reach(Evidence.BOUNDARY, ()))
    return Patch(finding, (Edit(path, at, at + len(old), new),), subjects=(Trainable("train", name, path),))


def proved(tmp_path: Path, old: str, new: str, name: str, *, trial: bool = False) -> object:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    settings = Settings(tmp_path, Path(sys.executable), prove_with_ray=trial, time_limit=120.0)

    def compose(patches: object) -> dict[Path, str]:
        return {path: SCRIPT.replace(old, new)} if patches else {}

    ground = Ground((tmp_path,), {"train": path})
    (verdict,) = prove((patch(path, old, new, name),), {}, compose, ground, settings)
    return verdict


def test_a_trainable_without_its_lock_is_shipped_as_tune_ships_it(tmp_path: Path) -> None:
    verdict = proved(
        tmp_path,
        "lock = threading.RLock()\n\n\ndef",
        "import contextlib\nlock = contextlib.nullcontext()\n\n\ndef",
        "train",
    )
    assert verdict == Proved(
        "__main__.train made a trainable and shipped as Ray Tune ships it",
        "TypeError: cannot pickle '_thread.RLock' object",
    )


def test_a_trainable_that_keeps_a_lock_is_refuted(tmp_path: Path) -> None:
    verdict = proved(tmp_path, LOCK, "lock = threading.Lock()\n\n\ndef", "train")
    assert isinstance(verdict, Refuted) and "_thread.lock" in verdict.reason


def test_a_class_is_shipped_as_it_is(tmp_path: Path) -> None:
    verdict = proved(tmp_path, "    lock = threading.RLock()", "    lock = None", "Own")
    assert isinstance(verdict, Proved) and verdict.how.startswith("__main__.Own made a trainable")


def test_one_real_trial_is_run_and_nothing_after_it(tmp_path: Path) -> None:
    verdict = proved(tmp_path, LOCK, UNLOCKED, "train", trial=True)
    assert isinstance(verdict, Proved)
    assert verdict.how == "a real run: one trial of what train.py gives Ray Tune; train reported 1 time"
    assert "ImplicitFunc" in verdict.before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py"]
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "/tmp/ray-" not in left
