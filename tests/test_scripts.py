"""Scripts do what they did once they are changed: real runs, by every start method, and pickles of former days."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from pathlib import Path

import pytest

from fixpickle.testing import Settled, fixtures, settle, write

FIXTURES = Path(__file__).parent / "fixtures"
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
running = importlib.import_module("running")

CASES = {str(f): f for f in fixtures(FIXTURES) if f.rule in ("main-definition", "unguarded-main")}
# What tests/test_examples.py does not run as an example. Forkserver imports the script as spawn does.
NAMES = ("call", "mixed", "pool", "instances", "patches_a_module", "sets_on_a_class", "runs_its_tests")
RUNS = {f"unguarded-main-{name}": [f"{name}.py"] for name in NAMES}
RUNS["main-definition-main_of_a_package"] = ["-m", "app"]
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
    assert "Can't get attribute 'Line' on <module '__main__'" in loaded[0][2]
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
