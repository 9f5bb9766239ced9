"""The guard: what git could not give back is not written over, unless that is what was asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fixpickle.cli.app import app

POOL = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""


def fixpickle(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["apply", "--no-verify", *arguments])


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments], check=True)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name in ("work.py", "other.py"):
        (tmp_path / name).write_text(POOL)
    (tmp_path / "plain.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "start")
    return tmp_path


def is_fixed(path: Path) -> bool:
    return "lambda" not in path.read_text()


def test_committed_files_are_written(repo: Path) -> None:
    assert fixpickle().exit_code == 0
    assert is_fixed(repo / "work.py")


def test_without_a_repository_nothing_is_guarded(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(POOL)
    assert fixpickle(str(tmp_path)).exit_code == 0


def test_dirty_staged_and_untracked_files_are_named_and_nothing_is_written(repo: Path) -> None:
    (repo / "work.py").write_text(POOL + "x = 1\n")
    (repo / "other.py").write_text(POOL + "x = 1\n")
    git("add", "other.py")
    (repo / "new name.py").write_text(POOL)
    done = fixpickle()
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "fixpickle: nothing was written: these files hold work that is in no commit",
        "  new name.py (untracked)",
        "  other.py (staged)",
        "  work.py (changed)",
        "commit it, or pass --allow-dirty to change them all the same (`fixpickle undo` takes it back)",
    ]
    assert not any(is_fixed(repo / name) for name in ("work.py", "other.py", "new name.py"))
    assert not (repo / ".fixpickle").exists()
    assert fixpickle("--allow-staged").exit_code == 2
    assert fixpickle("--diff").exit_code == 1 and fixpickle("--dry-run").exit_code == 1
    assert fixpickle("--allow-dirty").exit_code == 0
    assert all(is_fixed(repo / name) for name in ("work.py", "other.py", "new name.py"))


def test_staged_files_are_written_where_that_is_allowed(repo: Path) -> None:
    (repo / "work.py").write_text(POOL + "x = 1\n")
    git("add", "work.py")
    done = fixpickle("work.py")
    assert done.exit_code == 2 and "work.py (staged)" in done.stderr and "pass --allow-staged" in done.stderr
    assert fixpickle("--allow-staged", "work.py").exit_code == 0
    # Staged and changed again since: the index could not give that back.
    (repo / "other.py").write_text(POOL + "x = 1\n")
    git("add", "other.py")
    (repo / "other.py").write_text(POOL + "x = 2\n")
    assert "other.py (changed)" in fixpickle("--allow-staged", "other.py").stderr


def test_files_that_would_not_change_may_be_dirty(repo: Path) -> None:
    (repo / "plain.py").write_text("x = 2\n")
    (repo / "notes.txt").write_text("untracked\n")
    assert fixpickle().exit_code == 0


def test_files_that_git_ignores_are_not_guarded(repo: Path) -> None:
    (repo / ".gitignore").write_text("build.py\n")
    (repo / "build.py").write_text(POOL)
    assert fixpickle("build.py").exit_code == 0
    assert is_fixed(repo / "build.py")


def test_what_fixpickle_itself_wrote_last_may_be_written_again(repo: Path) -> None:
    both = (
        "import threading\n\n\nclass Box:\n    def __init__(self):\n        self.lock = threading.Lock()\n\n\n" + POOL
    )
    (repo / "work.py").write_text(both)
    git("commit", "-qam", "both")
    assert fixpickle("--select", "bare-lock", "work.py").exit_code == 0
    assert fixpickle("--select", "lambda-value", "work.py").exit_code == 0
    (repo / "other.py").write_text(POOL.replace("run", "go"))
    assert fixpickle("other.py").exit_code == 2


def test_a_repository_that_git_cannot_read_is_an_error_with_a_way_on(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("nonsense\n")
    done = fixpickle()
    assert done.exit_code == 2
    assert "git cannot say what is committed" in done.stderr and "--allow-dirty does without git" in done.stderr
    assert fixpickle("--allow-dirty").exit_code == 0
