"""`--check-command`: the user's own check decides, on copies of the tree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fixpickle.cli.app import app

LOCKED = "import threading\n\n\nclass {0}:\n    def __init__(self):\n        self.lock = threading.Lock()\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of four classes with a lock. The check passes as long as those of B and D stay what they are."""
    (tmp_path / "pyproject.toml").touch()  # the top of the project, which is what is copied
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    for name in "ABCD":
        (tmp_path / "pkg" / f"{name.lower()}.py").write_text(LOCKED.format(name))
    (tmp_path / "check.py").write_text(
        "import pathlib, threading\nfrom pkg import a, b, c, d\n\nKIND = type(threading.Lock())\n\n\n"
        "def main():\n    pathlib.Path('made by the check').touch()\n    print('looking')\n"
        "    assert isinstance(b.B().lock, KIND) and isinstance(d.D().lock, KIND), 'another lock'\n"
        "    a.A(), c.C()\n\n\nif __name__ == '__main__':\n    main()\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def apply(*arguments: str) -> Result:
    command = ("apply", "pkg", "--python", sys.executable, "--check-command", "python check.py", "--no-verify")
    return CliRunner().invoke(app, [*command, *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".fixpickle" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_fixes_that_break_the_check_are_found_and_taken_back_and_the_others_kept(project: Path) -> None:
    before = contents(project)
    done = apply()
    assert done.exit_code == 1, done.output
    after = contents(project)
    assert {name for name in before if after[name] != before[name]} == {"pkg/a.py", "pkg/c.py"}
    assert after.keys() - before.keys() == {"pkg/_fixpickle_locks.py"}
    assert done.stdout.count("[taken back]") == 2
    assert "`python check.py` passes without it and ended with exit status 1 with it:" in done.stdout
    assert "AssertionError: another lock" in done.stdout
    assert "2 fixed (0 proved, 2 unproved), 2 taken back" in done.stdout


@pytest.mark.parametrize("mode", ["--dry-run", "--diff"])
def test_where_nothing_is_written_the_check_runs_on_a_copy_as_well(project: Path, mode: str) -> None:
    before = contents(project)
    done = apply(mode)
    assert done.exit_code == 1
    assert "2 taken back" in done.stdout + done.stderr
    assert contents(project) == before
    assert ("+++ b/pkg/a.py" in done.stdout and "b/pkg/b.py" not in done.stdout) or mode == "--dry-run"


def test_a_check_that_passes_takes_nothing_back(project: Path) -> None:
    done = apply("--check-command", "python -c 'import pkg.a'")
    assert done.exit_code == 0 and "4 fixed" in done.stdout


@pytest.mark.parametrize(
    ("command", "how"), [("python -c 1/0", "ended with exit status 1"), ("no-such-command", "cannot be started")]
)
def test_a_check_that_fails_before_tells_nothing_unless_it_is_required(project: Path, command: str, how: str) -> None:
    before = contents(project)
    done = apply("--check-command", command, "--require-proof", "--verify")
    assert done.exit_code == 1 and done.stdout.count("[taken back]") == 4 and "and proof is required" in done.stdout
    assert contents(project) == before
    done = apply("--check-command", command)
    assert done.exit_code == 0 and f"`{command}` {how}" in done.stderr and "before any fix" in done.stderr
    assert contents(project) != before
