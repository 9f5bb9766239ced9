"""What is said of whole objects, and of single fixes, is true of the pickler that they cross by.

The programs run before and after.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

# A class of each: with the part that is at fault, and one that only plain pickle does not take.
PROGRAM = """\
import sys
import threading

import {library}


class Table:
    def __init__(self):
        self.rows = [1, 2]
        self.{part}
        self.{taken}


def send():
    {send}


if __name__ == "__main__":
    send()
    print("sent")
"""
LOCK, LOCAL, LAMBDA = "lock = threading.Lock()", "own = threading.local()", "key = lambda row: row"
PLAIN = "name = 'a table'"


def case(library: str, part: str, taken: str, send: str, how: str, *marks: pytest.MarkDecorator) -> object:
    text = PROGRAM.format(library=library, part=part, taken=taken, send=send)
    return pytest.param(library, text, how, id=f"{library}: {send.partition('(')[0]}", marks=marks)


RAY = "ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False); ray.put(Table())"
CASES = [
    case("cloudpickle", LOCK, LAMBDA, "cloudpickle.dumps(Table())", ", pickled by cloudpickle"),
    case("dill", LOCAL, LAMBDA, "dill.dumps(Table())", ", pickled by dill"),
    case("joblib", LOCK, PLAIN, "joblib.dump(Table(), 'table.pkl')", "; with joblib.dump, too"),
    case("torch", LOCK, PLAIN, "torch.save(Table(), 'table.pt')", "; with torch.save, too", pytest.mark.slow),
    case("ray", LOCK, LAMBDA, RAY, ", pickled by ray.cloudpickle", pytest.mark.slow),
]


@pytest.mark.parametrize(("library", "text", "how"), CASES)
def test_a_whole_object_crosses_by_the_pickler_of_its_boundary(
    library: str, text: str, how: str, tmp_path: Path, run_in: Run
) -> None:
    pytest.importorskip(library)
    (tmp_path / "prog.py").write_text(text)
    assert "cannot pickle" in ran(tmp_path).stderr
    done = run_in(tmp_path, "apply", "--python", sys.executable, "--output-format", "json", ".")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and len(report["carriers"]) == 1, done.stderr
    verdict = report["carriers"][0]["verdict"]
    assert verdict["kind"] == "proved" and verdict["how"] == f"an instance from its constructor{how}"
    name = {"joblib": "joblib.dump", "torch": "torch.save", "ray": "ray.cloudpickle"}.get(library, library)
    (lock,) = (one for one in report["fixed"] if one["rule"].startswith("bare-"))
    assert lock["verdict"]["how"].endswith(f"; with {name}, too")
    assert ran(tmp_path).stdout == "sent\n"


def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "prog.py"], cwd=folder, capture_output=True, text=True)


def test_nothing_is_said_of_a_pickler_where_none_is_known(tmp_path: Path, run_in: Run) -> None:
    text = "import threading\n\n\nclass Table:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
    (tmp_path / "shop.py").write_text(text)
    report = json.loads(run_in(tmp_path, "apply", "--python", sys.executable, "--output-format", "json", ".").stdout)
    assert report["fixed"][0]["verdict"]["how"] == "an instance from its constructor"
