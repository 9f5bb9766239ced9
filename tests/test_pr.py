"""`fixpickle pr`: a branch with one commit for each rule, in repositories of all kinds, and nothing pushed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app

WORK = """\
from multiprocessing import Pool
from threading import Lock


class Box:
    def __init__(self):
        self.lock = Lock()
        self.key = lambda row: row


def bumped(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)


def squares(rows):
    def square(row):
        return row * row

    with Pool(2) as pool:
        return pool.map(square, rows)


total = 0  # fixpickle: ignore[bare-lock]  # there was one once
"""
COUNTED = """\
from multiprocessing import Pool


def counted(rows):
    total = 0

    def add(row):
        nonlocal total
        total += row

    with Pool(2) as pool:
        return pool.map(add, rows)
"""


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def fixpickle(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit on `main`, and the working directory in it."""
    top = tmp_path / "repo"
    top.mkdir()
    monkeypatch.chdir(top)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))] + ["EMAIL"]:
        monkeypatch.delenv(name, raising=False)
    git("init", "-q", "-b", "main")
    git("config", "user.name", "A Person")
    git("config", "user.email", "person@example.org")
    (top / "work.py").write_text(WORK)
    git("add", "-A")
    git("commit", "-qm", "first")
    return top


# --- what it makes --------------------------------------------------------------------------------------------------


def test_one_commit_for_each_rule_that_its_message_makes_again(repo: Path) -> None:
    code, said = fixpickle("pr")
    assert code == 0, said
    assert git("branch", "--show-current") == "fixpickle" and git("status", "--porcelain") == ""
    titles = git("log", "--reverse", "--format=%s", "main..").splitlines()
    assert titles == [
        "fixpickle bare-lock: 1 fix, 1 proved",
        "fixpickle lambda-value: 2 fixes, 2 proved",
        "fixpickle local-function: 1 fix, 1 proved",
        "fixpickle unused-suppression: 1 fix, 1 unproved",
    ]
    for sha in git("rev-list", "main..").splitlines():
        message = git("log", "-1", "--format=%B", sha)
        assert max(map(len, message.splitlines())) <= 72
        command = re.findall(r"^    (fixpickle .*)$", message, re.MULTILINE)[0]
        for name in git("ls-tree", "-r", "--name-only", sha).splitlines():
            compile(git("show", f"{sha}:{name}"), name, "exec")
        git("checkout", "-q", f"{sha}^")
        again = fixpickle(*shlex.split(command)[1:])
        assert again[0] in (0, 1), again
        git("add", "-A")
        # A reviewing rule cannot be selected alone; by then it is the only one left.
        assert git("diff", "--cached", "--stat", sha) == "", command
        git("reset", "-q", "--hard")


def test_a_message_says_what_why_it_is_pickled_and_what_was_seen(repo: Path) -> None:
    assert fixpickle("pr", "--select", "bare-lock")[0] == 0
    message = git("log", "-1", "--format=%B")
    assert "work.py:7 threading.Lock in Box.lock cannot be pickled" in message
    assert "  pickled: stored on self.lock of Box at line 7" in message
    assert "  failed with: TypeError: cannot pickle '_thread.lock' object" in message
    assert "  proved: " in message and "  note: it excludes threads" in message
    assert "New: _fixpickle_locks.py" in message
    assert message.endswith("    fixpickle apply --select bare-lock .")


def test_the_body_waits_beside_the_journal_and_names_each_commit(repo: Path) -> None:
    (repo / "counted.py").write_text(COUNTED)
    git("add", "-A")
    git("commit", "-qm", "second")
    code, said = fixpickle("pr", "--select", "lambda-value,local-function")
    assert code == 1, said
    body = (repo / ".fixpickle" / "pull-request.md").read_text()
    assert len(body) < 65_536
    assert "3 fixed (3 proved, 0 unproved), 1 class not crossing yet, 0 taken back, 1 left, 0 skipped" in body
    assert "nothing was written" not in body
    for sha in git("rev-list", "main..").splitlines():
        assert f"| {sha[:9]} | l" in body
    assert "<summary><b>local-function</b>: 1 proved, 1 left</summary>" in body
    assert "To run it again: `fixpickle apply --select lambda-value,local-function .`" in body
    assert f"the body of the pull request: {Path('.fixpickle/pull-request.md')}, {len(body)} characters" in said


def test_what_it_says_to_do_next_works(repo: Path) -> None:
    code, said = fixpickle("pr", "--branch", "picklable", "--select", "bare-lock", "--body", "../body.md")
    assert code == 0 and (repo.parent / "body.md").read_text().startswith("## fixpickle\n")
    lines = [line.strip() for line in said.splitlines()]
    blame = next(line for line in lines if line.startswith("git log"))
    subprocess.run(blame, shell=True, check=True)
    revisions = (repo / ".git-blame-ignore-revs").read_text().splitlines()
    assert revisions == ["# fixpickle bare-lock: 1 fix, 1 proved", git("rev-parse", "HEAD")]
    git(*shlex.split(next(line for line in lines if "blame.ignoreRevsFile" in line))[1:])
    assert "first" not in git("blame", "-s", "work.py") and git("blame", "-s", "-L7,7", "work.py")
    (repo / ".git-blame-ignore-revs").unlink()
    for line in lines[lines.index("to take it all back") + 1 :]:
        subprocess.run(line, shell=True, check=True, capture_output=True)
    assert git("branch", "--format=%(refname:short)") == "main" and (repo / "work.py").read_text() == WORK


def test_nothing_is_pushed_and_other_branches_stay(repo: Path) -> None:
    git("init", "-q", "--bare", "../far.git")
    git("remote", "add", "origin", "../far.git")
    git("push", "-q", "-u", "origin", "main")
    was = git("rev-parse", "main")
    assert fixpickle("pr", "--no-verify")[0] == 0
    assert git("ls-remote", "--heads", "origin").split() == [was, "refs/heads/main"]
    assert git("rev-parse", "main") == was


def test_a_dry_run_makes_nothing_and_prints_the_body(repo: Path) -> None:
    code, said = fixpickle("pr", "--dry-run", "--no-verify")
    assert code == 1
    assert "would be a commit: fixpickle lambda-value: 2 fixes, 2 unproved\n" in said
    assert "| to be made | bare-lock |" in said
    assert git("branch", "--format=%(refname:short)") == "main" and git("status", "--porcelain") == ""


def test_where_there_is_nothing_to_fix_there_is_no_branch(repo: Path) -> None:
    (repo / "work.py").write_text("x = 1\n")
    git("commit", "-qam", "second")
    code, said = fixpickle("pr")
    assert code == 0 and said.startswith("nothing to commit: 0 fixed")
    assert git("branch", "--format=%(refname:short)") == "main"


# --- where it refuses -----------------------------------------------------------------------------------------------


def dirty(repo: Path) -> None:
    (repo / "work.py").write_text(WORK + "# more\n")


def staged(repo: Path) -> None:
    dirty(repo)
    git("add", "-A")


def untracked(repo: Path) -> None:
    (repo / "notes é.txt").write_text("")


def detached(repo: Path) -> None:
    git("checkout", "-q", "--detach")


def taken(repo: Path) -> None:
    git("branch", "fixpickle")


def merging(repo: Path) -> None:
    git("checkout", "-q", "-b", "other")
    git("commit", "-q", "--allow-empty", "-m", "other")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "--no-commit", "other")


def nobody(repo: Path) -> None:
    git("config", "user.useConfigOnly", "true")
    git("config", "--unset", "user.email")


def without_git(repo: Path) -> None:
    (repo / ".git").rename(repo.parent / "git")


def without_commit(repo: Path) -> None:
    git("checkout", "-q", "--orphan", "new")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (dirty, "there is work that is in no commit:\n  work.py\ncommit it, or `git stash -u` puts it aside"),
        (staged, "there is work that is in no commit:\n  work.py\n"),
        (untracked, "there is work that is in no commit:\n  notes é.txt\n"),
        (detached, "HEAD is detached; switch to the branch that the pull request is to start from"),
        (taken, "a branch `fixpickle` is there already; --branch names another one"),
        (merging, "a merge is not finished; finish or abort it first"),
        (nobody, "git does not know who commits"),
        (without_git, "is in no working tree of git"),
        (without_commit, "there is no commit yet"),
    ],
)
def test_it_refuses_politely_where_work_could_be_lost(
    make: object, reason: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(make)
    make(repo)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repo.parent))
    before = (repo / "work.py").read_text()
    code, said = fixpickle("pr", "--no-verify")
    assert code == 2 and reason in said
    assert (repo / "work.py").read_text() == before
    if (repo / ".git").exists():
        assert "fixpickle " not in git("log", "--all", "--format=%s")


def test_a_name_that_is_none_and_a_path_that_is_not_there(repo: Path) -> None:
    assert fixpickle("pr", "--branch", "a..b") == (2, f"fixpickle: {repo}: `a..b` is no name for a branch\n")
    assert fixpickle("pr", "nowhere.py")[1] == "fixpickle: nowhere.py: no such file or directory\n"


def test_what_a_hook_refuses_is_taken_back_and_the_branch_with_it(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on a Sunday >&2\nexit 1\n")
    hook.chmod(0o755)
    code, said = fixpickle("pr", "--no-verify")
    assert code == 2
    assert "the fixes of bare-lock cannot be committed and are taken back: git commit: not on a Sunday" in said
    assert git("branch", "--format=%(refname:short)") == "main" and git("status", "--porcelain") == ""
    assert (repo / "work.py").read_text() == WORK and not (repo / "_fixpickle_locks.py").exists()


def test_commits_before_a_refused_one_stay_and_the_way_back_is_said(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n! grep -q lambda-value $1\n")
    hook.chmod(0o755)
    code, said = fixpickle("pr", "--no-verify")
    assert code == 2 and "commits made so far: 1; to take it all back\n  git switch main\n" in said
    assert git("log", "--format=%s", "main..") == "fixpickle bare-lock: 1 fix, 1 unproved"
    assert git("status", "--porcelain") == ""


def test_a_file_that_git_does_not_hold_is_left_with_the_reason(repo: Path) -> None:
    (repo / ".gitignore").write_text("made.py\n")
    git("add", "-A")
    git("commit", "-qm", "second")
    made = repo / "made.py"
    made.write_text(WORK)
    code, _ = fixpickle("pr", "--no-verify", "--select", "lambda-value", "made.py", "work.py")
    assert code == 1 and made.read_text() == WORK
    assert git("diff", "--name-only", "main..").split() == ["work.py"]
    body = (repo / ".fixpickle" / "pull-request.md").read_text()
    assert "made.py is a file that git does not hold" in body


def test_what_it_brings_along_is_committed_even_where_a_pattern_ignores_it(repo: Path) -> None:
    (repo / ".gitignore").write_text("_*\n")
    git("add", "-A")
    git("commit", "-qm", "second")
    assert fixpickle("pr", "--no-verify", "--select", "bare-lock")[0] == 0
    assert "_fixpickle_locks.py" in git("ls-files").split()


# --- the user's own check -------------------------------------------------------------------------------------------

CHECK = """\
import threading, work

with open(%r, "a") as file:
    file.write("ran\\n")
assert isinstance(work.Kept().lock, type(threading.Lock())), "another lock"
"""


@pytest.fixture
def guarded(repo: Path) -> Path:
    """A repository whose check passes as long as the lock of `Kept` stays what it is, and the file of its runs."""
    (repo / "pyproject.toml").touch()
    more = "\n\nclass Kept:\n    def __init__(self):\n        self.lock = Lock()\n"
    (repo / "work.py").write_text(WORK + more)
    (repo / "check.py").write_text(CHECK % str(repo.parent / "ran"))
    git("add", "-A")
    git("commit", "-qm", "with a check")
    return repo.parent / "ran"


OPTIONS = ("--no-verify", "--python", sys.executable)


def test_no_commit_holds_a_fix_after_which_the_check_fails(guarded: Path) -> None:
    chosen = ("--select", "bare-lock,lambda-value", "--check-command", "python check.py")
    code, said = fixpickle("pr", *chosen, *OPTIONS)
    assert code == 1 and "3 fixed (0 proved, 3 unproved), 1 taken back" in said, said
    titles = git("log", "--reverse", "--format=%s", "main..").splitlines()
    assert titles == ["fixpickle bare-lock: 1 fix, 1 unproved", "fixpickle lambda-value: 2 fixes, 2 unproved"]
    for sha in git("rev-list", "main..").splitlines():
        git("checkout", "-q", sha)
        subprocess.run([sys.executable, "check.py"], check=True)
    body = Path(".fixpickle/pull-request.md").read_text()
    assert "`python check.py` passes without it and ended with exit status 1 with it" in body
    # Before the first commit, with both locks, two more to find the one to blame, and with the lambdas.
    assert len(guarded.read_text().splitlines()) - 2 == 5


@pytest.mark.parametrize("required", [False, True])
def test_a_check_that_fails_before_any_fix_says_nothing_of_them(guarded: Path, required: bool) -> None:
    failing = ("--select", "bare-lock", "--check-command", "false", *(["--require-proof"] if required else []))
    code, said = fixpickle("pr", *failing, *OPTIONS[1:])
    assert "`false` ended with exit status 1 before any fix" in said or required
    assert git("branch", "--show-current") == ("main" if required else "fixpickle")
    assert code == (1 if required else 0) and git("status", "--porcelain") == ""


def test_the_plan_leaves_out_what_breaks_the_check(guarded: Path) -> None:
    code, said = fixpickle("pr", "--dry-run", "--select", "bare-lock", "--check-command", "python check.py", *OPTIONS)
    assert code == 1 and "would be a commit: fixpickle bare-lock: 1 fix, 1 unproved" in said
    assert git("branch", "--show-current") == "main" and git("branch", "--list", "fixpickle") == ""
