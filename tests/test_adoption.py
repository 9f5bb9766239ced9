"""Quiet adoption: comments, a baseline, and only what a branch has changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixpickle.baseline import read_baseline
from fixpickle.cli.app import app
from fixpickle.model import Refusal

KEPT = "class Cache:\n    def __init__(self):\n        self.key = lambda row: row\n"
OTHER = KEPT.replace("Cache", "Store")


def fixpickle(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.py").write_text(KEPT)
    (tmp_path / "b.py").write_text(OTHER)
    (tmp_path / "fixpickle.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_baseline_silences_what_was_there_and_not_what_comes(project: Path) -> None:
    assert fixpickle("check", ".")[0] == 1
    assert fixpickle("baseline", "create")[0] == 0
    code, said = fixpickle("check", ".", "--baseline", "fixpickle-baseline.json")
    assert code == 0 and "0 findings" in said and "2 suppressed" in said
    (project / "c.py").write_text(KEPT)
    code, said = fixpickle("check", ".", "--baseline", "fixpickle-baseline.json")
    assert code == 1 and said.startswith("c.py:3:20: ")


def test_a_baseline_survives_lines_that_drift_and_formatting_around_it(project: Path) -> None:
    fixpickle("baseline", "create")
    (project / "fixpickle.toml").write_text('baseline = "fixpickle-baseline.json"\n')
    (project / "a.py").write_text(
        '"""Now with a page."""\n\nimport os\n\n\n' + KEPT.replace("row: row", "row: row  # same")
    )
    assert fixpickle("check", ".")[0] == 0


def test_two_findings_that_are_alike_are_two_entries(project: Path) -> None:
    (project / "a.py").write_text(KEPT + "        self.sort = lambda row: row\n")
    fixpickle("baseline", "create", "a.py")
    entries = read_baseline(project / "fixpickle-baseline.json", project)
    assert not isinstance(entries, Refusal)
    assert len({entry.fingerprint for entry in entries}) == 2
    (project / "a.py").write_text(KEPT + "        self.sort = lambda row: row\n        self.more = lambda row: row\n")
    code, said = fixpickle("check", "a.py", "--baseline", "fixpickle-baseline.json")
    assert (code, said.count("lambda-value")) == (1, 1)


def test_entries_that_find_nothing_are_told_of_and_pruned(project: Path) -> None:
    fixpickle("baseline", "create")
    (project / "a.py").write_text("")
    code, said = fixpickle("check", ".", "--baseline", "fixpickle-baseline.json")
    assert code == 0 and "1 entry of the baseline found nothing" in said
    assert "1 finding kept, 1 taken out" in fixpickle("baseline", "prune")[1]
    entries = read_baseline(project / "fixpickle-baseline.json", project)
    assert not isinstance(entries, Refusal)
    assert [entry.path.name for entry in entries] == ["b.py"]


def test_an_entry_is_stale_only_where_this_run_has_looked(project: Path) -> None:
    fixpickle("baseline", "create")
    assert "found nothing" not in fixpickle("check", "a.py", "--baseline", "fixpickle-baseline.json")[1]
    unlooked = ("check", ".", "--ignore", "lambda-value", "--baseline", "fixpickle-baseline.json")
    assert "found nothing" not in fixpickle(*unlooked)[1]


def test_prune_never_grows_the_baseline(project: Path) -> None:
    fixpickle("baseline", "create", "a.py")
    fixpickle("baseline", "prune", ".")
    entries = read_baseline(project / "fixpickle-baseline.json", project)
    assert not isinstance(entries, Refusal)
    assert [entry.path.name for entry in entries] == ["a.py"]


def test_the_baseline_is_the_same_bytes_however_often_it_is_made(project: Path) -> None:
    fixpickle("baseline", "create")
    first = (project / "fixpickle-baseline.json").read_bytes()
    fixpickle("baseline", "create")
    assert (project / "fixpickle-baseline.json").read_bytes() == first
    assert json.loads(first)["schema"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ('{"schema": 7, "findings": []}', "not a baseline of schema 1"),
        ("[]", "not a baseline of schema 1"),
        ('{"schema": 1, "findings": [{"rule": "x"}]}', "lacks its fingerprint"),
    ],
)
def test_a_baseline_that_cannot_be_used_stops_the_run(project: Path, text: str, reason: str) -> None:
    (project / "known.json").write_text(text)
    code, said = fixpickle("check", ".", "--baseline", "known.json")
    assert code == 2 and reason in said and "known.json" in said


def test_a_baseline_that_is_not_there_says_how_to_make_one(project: Path) -> None:
    code, said = fixpickle("check", ".", "--baseline", "none.json")
    assert code == 2 and "`fixpickle baseline create` makes one" in said


def test_apply_leaves_what_is_in_the_baseline(project: Path) -> None:
    fixpickle("baseline", "create", "a.py")
    code, _ = fixpickle("apply", ".", "--no-verify", "--baseline", "fixpickle-baseline.json")
    assert code == 0
    assert (project / "a.py").read_text() == KEPT
    assert "lambda" not in (project / "b.py").read_text()


# --- only what a branch has changed -----------------------------------------------------------------------------------

git_is_there = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def branch(project: Path) -> Path:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "all"], ["checkout", "-qb", "work"]):
        subprocess.run(["git", *command], cwd=project, check=True, env={**os.environ, **identity})
    return project


@git_is_there
def test_only_files_that_the_branch_changed_count(branch: Path) -> None:
    assert fixpickle("check", ".", "--changed-since", "main")[0] == 0
    (branch / "b.py").write_text(OTHER + "\n")
    (branch / "new file.py").write_text(KEPT)
    code, said = fixpickle("check", ".", "--changed-since", "main", "--output-format", "concise")
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()[:-1]] == ["b.py", "new file.py"]


@git_is_there
def test_files_that_did_not_change_still_tell_about_those_that_did(branch: Path) -> None:
    (branch / "a.py").write_text("class Box:\n    def __init__(self, drop):\n        self.drop = drop\n")
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "box"], check=True)
    (branch / "b.py").write_text("from a import Box\n\nBOX = Box(lambda x: x)\n")
    code, said = fixpickle("check", ".", "--changed-since", "HEAD")
    assert code == 1 and "stored on self.drop of Box in a.py:3" in said


@git_is_there
def test_a_revision_that_is_not_there_stops_the_run(branch: Path) -> None:
    code, said = fixpickle("check", ".", "--changed-since", "nope")
    assert code == 2 and "there is no revision `nope`" in said


def test_no_repository_stops_the_run(project: Path) -> None:
    code, said = fixpickle("check", ".", "--changed-since", "main")
    assert code == 2 and "git" in said
