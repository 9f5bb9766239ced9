"""Scripts do what they did once they are changed: real runs, by every start method, and pickles of former days."""

from __future__ import annotations

import importlib
import multiprocessing
import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle import api
from fixpickle.engine import Ports
from fixpickle.engine import run as run_engine
from fixpickle.model import RunReport, Settings, Unproved
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.testing import Settled, fixtures, settle, write
from fixpickle.verify import examine, prove

FIXTURES = Path(__file__).parent / "fixtures"
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
running = importlib.import_module("running")

CASES = {str(f): f for f in fixtures(FIXTURES) if f.rule in ("main-definition", "unguarded-main")}
# What tests/test_examples.py does not run as an example. Forkserver imports the script as spawn does.
NAMES = (
    "call",
    "mixed",
    "pool",
    "instances",
    "patches_a_module",
    "sets_on_a_class",
    "runs_its_tests",
    "cells_in_one_script",
)
RUNS = {f"unguarded-main-{name}": [f"{name}.py"] for name in NAMES}
RUNS["main-definition-main_of_a_package"] = ["-m", "app"]
RUNS["main-definition-annotated_above_the_guard"] = ["net.py"]
RUNS["main-definition-takes_what_nothing_sets"] = ["priced.py"]
RUNS["main-definition-scripts_of_each_other"] = ["halves.py"]
METHODS = multiprocessing.get_all_start_methods()


def fixed(case: str, folder: Path) -> Settled:
    """The case below `folder`, as it was in `before` and as it becomes in `after`."""
    (folder / "before").mkdir()
    settled = settle(CASES[case].before, folder / "before")
    write(settled.files, folder / "after")
    return settled


def run(arguments: list[str], folder: Path, start: str = "") -> tuple[int | None, str, str]:
    done = running.run(arguments, folder, 60, start)
    return done.code, done.stdout, done.stderr


@pytest.mark.skipif("fork" not in METHODS, reason="there is no fork")
@pytest.mark.parametrize("case", RUNS)
def test_a_script_does_spawned_what_it_did_forked(case: str, tmp_path: Path) -> None:
    fixed(case, tmp_path)
    spawning = [p for p in (tmp_path / "before").rglob("*.py") if 'get_context("spawn")' in p.read_text()]
    for path in spawning:
        path.write_text(path.read_text().replace('get_context("spawn")', 'get_context("fork")'))
    code, output, errors = run(RUNS[case], tmp_path / "before", "fork")
    assert (output, errors) != ("", "")
    assert "Error" not in errors
    for method in ("spawn",) if spawning else ("fork", "spawn"):
        assert run(RUNS[case], tmp_path / "after", method)[:2] == (code, output), method


@pytest.mark.skipif("fork" not in METHODS, reason="there is no fork")
def test_a_spawned_worker_stops_an_unguarded_script(tmp_path: Path) -> None:
    fixed("unguarded-main-arguments", tmp_path)
    code, _, errors = run(["arguments.py"], tmp_path / "before", "spawn")
    assert code == 1
    assert "An attempt has been made to start a new process before" in errors


def test_another_program_loads_what_it_could_not_load(tmp_path: Path) -> None:
    fixed("main-definition-saved_for_another_program", tmp_path)
    saved = [run(["save.py"], tmp_path / side) for side in ("before", "after")]
    assert [code for code, _, _ in saved] == [0, 0], saved
    assert saved[0][1] == saved[1][1]
    loaded = [run(["load.py"], tmp_path / side) for side in ("before", "after")]
    assert "attribute 'Line'" in loaded[0][2]
    assert loaded[1][:2] == (0, "[2, 3]\n"), loaded[1]


def test_pickles_that_name_main_still_load_in_the_script(tmp_path: Path) -> None:
    settled = fixed("main-definition-saved_for_another_program", tmp_path)
    assert run(["save.py"], tmp_path / "before")[0] == 0
    old = tmp_path / "before" / "line.pickle"
    assert b"__main__" in old.read_bytes()
    script = settled.files["save.py"].decode() + f"    print(pickle.load(open({str(old)!r}, 'rb')).steps())\n"
    (tmp_path / "after" / "save.py").write_text(script)
    code, output, errors = run(["save.py"], tmp_path / "after")
    assert (code, output.splitlines()[-1]) == (0, "[2, 3]"), errors


def test_a_script_run_with_m_finds_its_definitions_in_the_package(tmp_path: Path) -> None:
    fixed("main-definition-in_package", tmp_path)
    code, output, errors = run(["-m", "app"], tmp_path / "after")
    assert code == 0, errors
    assert "app.main_defs" in output


def test_scripts_that_import_each_other_each_do_what_they_did(tmp_path: Path) -> None:
    fixed("main-definition-scripts_of_each_other", tmp_path)
    for script, output in (("halves.py", "[2.5, 5.0] [0.5, 2.5]\n"), ("doubles.py", "[16.0]\n")):
        assert [run([script], tmp_path / side, "fork")[1] for side in ("before", "after")] == [output] * 2
        assert run([script], tmp_path / "after", "spawn")[1] == output


def test_commands_of_fire_are_those_that_they_were(tmp_path: Path) -> None:
    pytest.importorskip("fire")
    fixed("main-definition-fire_commands", tmp_path)
    for command in (["keep", "counter.pickle", "--start", "3"], ["Counter", "5", "up", "seen"], ["STEP"], ["no-such"]):
        before, after = (run(["kept.py", *command], tmp_path / side) for side in ("before", "after"))
        assert before[:2] == after[:2], command
    assert b"kept_defs" in (tmp_path / "after" / "counter.pickle").read_bytes()


# --- notes ----------------------------------------------------------------------------------------------------------

SHIPPED = """
import pickle

import dask.distributed
import joblib
import pyspark
import ray

memory = joblib.Memory("cache", verbose=0)


def priced(value):
    print("computed")
    return 2 * value


kept = memory.cache(priced)

if __name__ == "__main__":
    task = ray.remote(priced)
    dask.distributed.Client().map(priced, [1, 2])
    pyspark.SparkContext().parallelize([1]).map(priced)
    with open("priced.pickle", "wb") as file:
        pickle.dump(priced, file)
"""


def test_what_changes_for_caches_and_clusters_is_said(tmp_path: Path) -> None:
    (report,) = reported(tmp_path, SHIPPED).fixed
    said = " ".join(report.patch.notes)
    assert "joblib.Memory keeps of `priced` is computed once more" in said
    for name, how in (
        ("ray.remote", 'ray.init(runtime_env={"working_dir": "."})'),
        ("distributed.Client.map", 'client.upload_file("script_defs.py")'),
        ("pyspark.RDD.map", 'sc.addPyFile("script_defs.py")'),
    ):
        assert (
            f"{name} took `priced` along by value, from now on by name: its workers need script_defs.py, as by {how}"
            in said
        )


def test_a_cache_of_joblib_is_filled_once_more_and_then_used(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    text = "".join(line for line in SHIPPED.splitlines(True) if not re.search("ray|dask|pyspark", line))
    (tmp_path / "script.py").write_text(text + "    kept(1)\n")
    assert [run(["script.py"], tmp_path)[1] for _ in range(2)] == ["computed\n", ""]
    for change in reported(tmp_path, (tmp_path / "script.py").read_text()).changes:
        change.path.write_text(change.new)
    assert [run(["script.py"], tmp_path)[1] for _ in range(2)] == ["computed\n", ""]


def test_settings_that_only_the_script_makes_are_named(tmp_path: Path) -> None:
    text = """
        import logging
        from multiprocessing import Pool

        if __name__ == "__main__":
            logging.basicConfig(level=10)

            def told(value):
                logging.info("seen %s", value)

            with Pool(1) as pool:
                pool.map(told, [1])
    """
    (report,) = reported(tmp_path, dedent(text)).fixed
    assert "workers that are spawned do not run logging.basicConfig of line 6" in " ".join(report.patch.notes)


def reported(folder: Path, text: str) -> RunReport:
    """What is found in `script.py` and made of it, with another program that loads pickles beside it."""
    (folder / "script.py").write_text(text)
    settings = Settings(folder, Path(sys.executable), select=frozenset({"main-definition"}), verify=False)
    return run_engine([folder], settings, load_rules(), Ports(prove, examine, tidy, lambda *_: None), fix=True)


def test_a_library_that_a_script_lacks_refutes_nothing(tmp_path: Path) -> None:
    """The new function has a parameter by the name of a global, which keeps what makes that global."""
    text = (
        "import not_installed_anywhere as nn\n\n\n"
        "def mixed(a):\n    return lambda loss: loss(a)\n\n\n"
        "loss = nn.Loss()\nprint(mixed(1)(loss))\n"
    )
    (tmp_path / "train.py").write_text(text)
    report = api.fix([tmp_path], {"python": sys.executable, "select": ["lambda-value"]})
    (one,) = report.fixed
    assert isinstance(one.verdict, Unproved) and "not_installed_anywhere" in one.verdict.reason


def test_a_name_that_is_bound_twice_is_told_once(tmp_path: Path) -> None:
    text = (
        "from joblib import Parallel, delayed\nfrom joblib.externals.loky import set_loky_pickler\n\n"
        "set_loky_pickler('pickle')\n\n\n"
        "def work(n):\n    return n\n\n\nprint(Parallel(2)(delayed(work)(n) for n in [1, 2]))\n\n\n"
        "def work(n):\n    return -n\n\n\nprint(Parallel(2)(delayed(work)(n) for n in [1, 2]))\n"
    )
    (tmp_path / "train.py").write_text(text)
    found = [one.finding.message for one in api.check([tmp_path], {"select": ["main-definition"]}).left]
    assert found == ["`work` of the script train.py cannot be found by another process"]
