"""Scripts whose definitions moved do what they did: real runs, forked and spawned workers, pickles of former days."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.testing import Settled, settle, write

FIXTURES = Path(__file__).parent / "fixtures" / "main_definition"


def fixed(case: str, folder: Path) -> Settled:
    """The case below `folder`, as it was in `before` and as it becomes in `after`."""
    source = FIXTURES / case / "before"
    before = {p.relative_to(source).as_posix(): p.read_bytes() for p in source.rglob("*.py")}
    (folder / "before").mkdir()
    settled = settle(before, folder / "before")
    write(settled.files, folder / "after")
    return settled


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, script, *arguments]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=environment)


def forked(folder: Path) -> None:
    """Turns the scripts' spawned workers into forked ones."""
    for path in folder.glob("*.py"):
        path.write_text(path.read_text().replace('get_context("spawn")', 'get_context("fork")'))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("case", ["unguarded_pool", "unguarded_call", "unguarded_mixed"])
def test_an_unguarded_script_prints_spawned_what_it_printed_forked(case: str, tmp_path: Path) -> None:
    fixed(case, tmp_path)
    spawned = run(f"{case}.py", tmp_path / "after")
    forked(tmp_path / "before")
    forked(tmp_path / "after")
    before, after = run(f"{case}.py", tmp_path / "before"), run(f"{case}.py", tmp_path / "after")
    assert before.stdout
    assert before.stderr == ""
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout), after.stderr
    assert (spawned.returncode, spawned.stdout) == (before.returncode, before.stdout), spawned.stderr


def test_another_program_loads_what_it_could_not_load(tmp_path: Path) -> None:
    fixed("saved_for_another_program", tmp_path)
    saved = [run("save.py", tmp_path / side) for side in ("before", "after")]
    assert [s.returncode for s in saved] == [0, 0], saved
    assert saved[0].stdout == saved[1].stdout
    loaded = [run("load.py", tmp_path / side) for side in ("before", "after")]
    assert "Can't get attribute 'Line' on <module '__main__'" in loaded[0].stderr
    assert (loaded[1].returncode, loaded[1].stdout) == (0, "[2, 3]\n"), loaded[1].stderr


def test_pickles_that_name_main_still_load_in_the_script(tmp_path: Path) -> None:
    settled = fixed("saved_for_another_program", tmp_path)
    assert run("save.py", tmp_path / "before").returncode == 0
    old = tmp_path / "before" / "line.pickle"
    assert b"__main__" in old.read_bytes()
    script = settled.files["save.py"].decode() + f"    print(pickle.load(open({str(old)!r}, 'rb')).steps())\n"
    (tmp_path / "after" / "save.py").write_text(script)
    again = run("save.py", tmp_path / "after")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "[2, 3]"), again.stderr


def test_a_script_run_with_m_finds_its_definitions_in_the_package(tmp_path: Path) -> None:
    fixed("in_package", tmp_path)
    command = [sys.executable, "-m", "app"]
    done = subprocess.run(command, cwd=tmp_path / "after", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"app.main_defs" in done.stdout
