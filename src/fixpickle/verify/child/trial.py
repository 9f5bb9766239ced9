"""Runs a script up to its first call of Ray Tune, and of that one trial for real, up to its first report.

`python trial.py SCRIPT ANSWER FOLDER`, in a process of its own. Ray runs here, with one processor; results go to the
folder. The answer is JSON: {"trial": name, "status": ...} once a trial ran, or {"stage": ..., "error": ...}.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import runpy
import sys
from typing import Any, Callable, Dict

_open = io.open


class Ended(BaseException):
    """The trial is over; nothing more of the script is run. No `except Exception` of its own stops it."""

    def __init__(self, answer: Dict[str, Any]) -> None:
        BaseException.__init__(self, answer)
        self.answer = answer


def told(error: BaseException) -> str:
    """The innermost reason on one line. Ray's own errors are whole tracebacks, which end in it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 5:
        return lines[-1][:300]
    return "%s: %s" % (type(error).__name__, " ".join(lines)[:300])


def first(space: Any) -> Any:
    """The space with the first value of every grid in the place of the grid."""
    if isinstance(space, dict):
        if set(space) == {"grid_search"}:
            return first(space["grid_search"][0])
        return {key: first(value) for key, value in space.items()}
    return space


def one_trial(run: Callable[..., Any], folder: str) -> Callable[..., Any]:
    """`tune.run` with one sample, up to its first report, after which the script ends."""

    @functools.wraps(run)
    def wrapped(*args: Any, **given: Any) -> Any:
        given.update(num_samples=1, verbose=0, stop={"training_iteration": 1}, raise_on_failed_trial=False)
        given.update(storage_path=folder, search_alg=None, scheduler=None, callbacks=None, local_dir=None)
        given["config"] = first(given.get("config"))
        try:
            trial = run(*args, **given).trials[0]
        except Exception as error:
            raise Ended({"stage": "dump", "error": told(error)}) from error
        if trial.status != "TERMINATED":
            raise Ended(
                {
                    "stage": "load",
                    "error": told(trial.get_error() or RuntimeError("the trial ended as %s" % trial.status)),
                }
            )
        raise Ended({"trial": trial.trainable_name, "reports": trial.last_result.get("training_iteration", 0)})

    return wrapped


def local(init: Callable[..., Any]) -> Callable[..., Any]:
    """`ray.init` that starts a small Ray here, and joins no cluster."""

    @functools.wraps(init)
    def wrapped(*_: Any, **given: Any) -> Any:
        for name in ("address", "num_gpus"):
            given.pop(name, None)
        # A file of the proof holds at most 1 GiB, and the store would be one of a third of the memory.
        given.update(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=128 << 20)
        return init(**given)

    return wrapped


def answer(script: str, folder: str) -> Dict[str, Any]:
    try:
        ray: Any = importlib.import_module("ray")
        homes = [importlib.import_module(n) for n in ("ray.tune", "ray.tune.tune", "ray.tune.impl.tuner_internal")]
    except ImportError as error:
        return {"stage": "absent", "error": "%s in %s" % (told(error), sys.executable)}
    ray.init = local(ray.init)
    run = one_trial(homes[1].run, folder)
    for home in homes:
        home.run = run  # type: ignore[attr-defined]
    sys.argv[:] = [script]
    try:
        runpy.run_path(script, run_name="__main__")
        return {"stage": "build", "error": "the script ended before it gave Ray Tune anything to run"}
    except Ended as ended:
        return ended.answer
    except BaseException as error:
        return {"stage": "build", "error": told(error)}
    finally:
        ray.shutdown()


if __name__ == "__main__":
    import os

    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[1]))
    place, found = sys.argv[2], answer(sys.argv[1], sys.argv[3])
    with _open(place, "w", encoding="utf-8") as out:
        json.dump(found, out)
