"""The hooks for pre-commit: what they declare, what their commands do, and pre-commit itself on a real repository."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app

yaml = pytest.importorskip("yaml")

TOP = Path(__file__).resolve().parent.parent
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text("utf-8"))}
WORK = """\
from multiprocessing import Pool


def bumped(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an excluded folder, and the working directory in it."""
    top = tmp_path / "repo"
    (top / "vendored").mkdir(parents=True)
    monkeypatch.chdir(top)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    git("init", "-q", "-b", "main")
    git("config", "user.name", "A Person")
    git("config", "user.email", "person@example.org")
    (top / "pyproject.toml").write_text('[tool.fixpickle]\nexclude = ["vendored/"]\n')
    git("add", "-A")
    git("commit", "-qm", "first")
    return top


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)


def hooked(name: str, *files: str) -> tuple[int, str]:
    """What a hook's command does with these files, all in one call, as `require_serial` has it."""
    program, *arguments = shlex.split(HOOKS[name]["entry"])
    assert program == "fixpickle"
    result = CliRunner().invoke(app, [*arguments, *files])
    return result.exit_code, result.output


def test_both_hooks_take_python_files_in_one_call() -> None:
    assert set(HOOKS) == {"fixpickle-check", "fixpickle-apply"}
    for hook in HOOKS.values():
        assert (
            hook["language"] == "python"
            and hook["types_or"] == ["python", "pyi", "jupyter"]
            and hook["require_serial"] is True
        )


def test_check_fails_on_a_finding_and_not_on_an_excluded_file(repo: Path) -> None:
    (repo / "work.py").write_text(WORK)
    (repo / "vendored" / "other.py").write_text(WORK)
    (repo / "stub.pyi").write_text("x: int\n")
    code, said = hooked("fixpickle-check", "work.py", "vendored/other.py", "stub.pyi")
    assert code == 1 and "work.py:6:25: lambda-value: " in said and "other.py" not in said
    assert hooked("fixpickle-check", "vendored/other.py")[0] == 0
    assert hooked("fixpickle-check", "stub.pyi")[0] == 0


def test_apply_writes_what_is_staged_and_no_excluded_file(repo: Path) -> None:
    (repo / "work.py").write_text(WORK)
    (repo / "vendored" / "other.py").write_text(WORK)
    git("add", "-A")
    code, _ = hooked("fixpickle-apply", "work.py", "vendored/other.py")
    assert code == 0
    assert "lambda" not in (repo / "work.py").read_text()
    assert (repo / "vendored" / "other.py").read_text() == WORK


@pytest.mark.slow
def test_pre_commit_itself_runs_both_hooks_on_a_commit(repo: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    unwanted = shutil.ignore_patterns(".*cache*", ".venv", ".git", "__pycache__", "tests", "benchmarks", "build")
    shutil.copytree(TOP, hooks, ignore=unwanted)
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x"],
    ):
        git("-C", str(hooks), *arguments)
    revision = git("-C", str(hooks), "rev-parse", "HEAD").stdout.strip()
    both = [{"id": "fixpickle-apply", "verbose": True}, {"id": "fixpickle-check", "verbose": True}]
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": both}]}
    (repo / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (repo / "work.py").write_text(WORK)
    (repo / "vendored" / "other.py").write_text(WORK)
    git("add", "-A")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "store")}
    environment.pop("VIRTUAL_ENV", None)
    pre_commit = [sys.executable, "-m", "pre_commit"]
    subprocess.run([*pre_commit, "install"], check=True, env=environment, capture_output=True)

    def commit() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "commit", "-qm", "work"], env=environment, capture_output=True, text=True)

    first = commit()
    said = first.stdout + first.stderr
    assert first.returncode != 0 and "files were modified by this hook" in said, said
    assert "1 fixed (1 proved, 0 unproved)" in said
    assert "lambda" not in (repo / "work.py").read_text()
    assert (repo / "vendored" / "other.py").read_text() == WORK
    git("add", "-A")
    second = commit()
    assert second.returncode == 0, second.stdout + second.stderr
