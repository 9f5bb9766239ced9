"""Looking before writing: the patch from wherever it is asked for, where things stand in it, counts and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app

LOCK = "from threading import Lock\n\n\nclass Box:\n    def __init__(self):\n        self.lock = Lock()\n"
KEY = "KEY = lambda row: row\n"
EXPORTED = KEY + '__all__ = ["KEY"]\n'  # what a package neither reads nor exports is of no interest
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


def fixpickle(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a package, and the working directory in it."""
    (tmp_path / "pkg" / "sub").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "sub" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


# --- the patch ------------------------------------------------------------------------------------------------------

TEXTS = {
    "lock.py": LOCK.encode(),
    "windows.py": (EXPORTED + LOCK).replace("\n", "\r\n").encode(),
    "unended.py": (COUNTED.replace("nonlocal total", "total = 0") + "\n\n" + EXPORTED).rstrip().encode(),
    "latin.py": b"# coding: latin-1\nNAME = '\xe9'\n" + EXPORTED.encode(),
    "marked.py": b"\xef\xbb\xbf" + EXPORTED.encode(),
}


@pytest.mark.parametrize("ci", [True, False])
def test_the_patch_goes_through_git_apply_and_gives_what_apply_writes(
    ci: bool, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.setenv(name, "true") if ci else monkeypatch.delenv(name, raising=False)
    for name, data in TEXTS.items():
        (repo / "pkg" / "sub" / name).write_bytes(data)
    command = [sys.executable, "-m", "fixpickle", "apply", "--no-verify", "."]
    diff = subprocess.run([*command, "--diff"], cwd=repo, capture_output=True)
    assert diff.returncode == 1
    assert b" fixed (0 proved, " in diff.stderr and b"[unproved]" in diff.stderr and b"\x1b" not in diff.stderr
    assert b"deleted file" not in diff.stdout and b"rename" not in diff.stdout
    assert subprocess.run(["git", "apply"], cwd=repo, input=diff.stdout, capture_output=True).stderr == b""
    patched = {path: path.read_bytes() for path in sorted(repo.rglob("*.py"))}
    assert repo / "pkg" / "_fixpickle_locks.py" in patched
    (repo / "pkg" / "_fixpickle_locks.py").unlink()
    for name, data in TEXTS.items():
        assert patched[repo / "pkg" / "sub" / name] != data
        (repo / "pkg" / "sub" / name).write_bytes(data)
    subprocess.run([*command, "--allow-dirty"], cwd=repo, capture_output=True)
    assert {path: path.read_bytes() for path in sorted(repo.rglob("*.py"))} == patched


def test_from_a_subfolder_it_names_what_git_would_leave_out(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "pkg" / "sub" / "lock.py").write_text(LOCK)
    monkeypatch.chdir(repo / "pkg" / "sub")
    done = subprocess.run(
        [sys.executable, "-m", "fixpickle", "apply", "--no-verify", "--diff", "."], capture_output=True
    )
    said = done.stderr.decode()
    assert "which `git apply` passes over here:\n  pkg/_fixpickle_locks.py\n" in said
    assert f"apply it from the top of the repository: `git -C {repo} apply`" in said
    assert subprocess.run(["git", "-C", str(repo), "apply"], input=done.stdout).returncode == 0
    assert (repo / "pkg" / "_fixpickle_locks.py").exists()


def test_from_the_top_and_for_files_below_it_says_nothing_of_the_kind(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "pkg" / "sub" / "key.py").write_text(EXPORTED)
    assert "passes over" not in fixpickle("apply", "--no-verify", "--diff", ".")[1]
    monkeypatch.chdir(repo / "pkg" / "sub")
    code, said = fixpickle("apply", "--no-verify", "--diff", ".")
    assert code == 1 and "+++ b/pkg/sub/key.py" in said and "passes over" not in said


# --- where things stand ---------------------------------------------------------------------------------------------


def test_what_is_left_stands_where_the_files_have_it(repo: Path) -> None:
    (repo / "counted.py").write_text(LOCK + COUNTED)
    code, said = fixpickle("apply", "--dry-run", "--no-verify", "counted.py")
    assert code == 1 and "counted.py:13:5: local-function" in said
    assert "pool.Pool.map at line 18" in said
    code, said = fixpickle("apply", "--no-verify", "--allow-dirty", "counted.py")
    line = int(said.partition("local-function: ")[0].rpartition("counted.py:")[2].partition(":")[0])
    assert (repo / "counted.py").read_text().splitlines()[line - 1] == "    def add(row):" and line > 13


# --- counts and codes -----------------------------------------------------------------------------------------------


def test_statistics_count_each_rule_by_what_became_of_it(repo: Path) -> None:
    (repo / "counted.py").write_text(LOCK + COUNTED)
    (repo / "key.py").write_text(KEY * 2)
    code, said = fixpickle("apply", "--check", "--statistics", "--no-verify", ".")
    assert code == 1
    assert said.splitlines()[:4] == [
        "rule            unproved  left",
        "lambda-value           2",
        "bare-lock              1",
        "local-function               1",
    ]
    assert said.splitlines()[4].startswith("3 fixed (0 proved, 3 unproved), 0 taken back, 1 left")
    code, said = fixpickle("check", "--statistics", ".")
    assert said.splitlines()[0] == "rule            left  found" and "4 findings (3 to fix" in said
    assert fixpickle("check", "--statistics", "--output-format", "json", ".")[0] == 2
    (repo / "counted.py").unlink()
    (repo / "key.py").unlink()
    assert fixpickle("check", "--statistics", ".")[1].startswith("0 findings")


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (KEY, (), 0),
        (KEY, ("--exit-non-zero-on-fix",), 1),
        (KEY, ("--exit-non-zero-on-fix", "--exit-zero"), 0),
        ("x = 1\n", ("--exit-non-zero-on-fix",), 0),
        (KEY + COUNTED, (), 1),
        (KEY + COUNTED, ("--fix-only",), 0),
        (KEY + COUNTED, ("--fix-only", "--exit-non-zero-on-fix"), 1),
        (COUNTED, ("--fix-only",), 0),
        ("def f(:\n", ("--fix-only",), 1),
        (KEY, ("--check",), 1),
        (KEY, ("--diff", "--check"), 1),
        (KEY, ("--diff", "--exit-zero"), 0),
    ],
)
def test_the_exit_code_gates_as_it_was_asked_to(text: str, options: tuple[str, ...], code: int, repo: Path) -> None:
    (repo / "m.py").write_text(text)
    assert fixpickle("apply", "--no-verify", "--allow-dirty", *options, "m.py")[0] == code
    dry = {"--check", "--diff"} & set(options)
    assert ((repo / "m.py").read_text() == text) is bool(dry or "KEY" not in text)


@pytest.mark.parametrize(
    ("options", "fixed"),
    [
        (("--unfixable", "lambda-value"), {"bare-lock"}),
        (("--fixable", "lambda-value"), {"lambda-value"}),
        (("--fixable", "ALL", "--unfixable", "bare-lock"), {"lambda-value"}),
        (("--fixable", "lambda-value", "--unfixable", "lambda-value"), set()),
        (("--unfixable", "ALL"), set()),
    ],
)
def test_what_is_not_to_be_fixed_is_found_and_left_with_the_reason(
    options: tuple[str, ...], fixed: set[str], repo: Path
) -> None:
    (repo / "m.py").write_text(LOCK + KEY)
    code, said = fixpickle("apply", "--dry-run", "--no-verify", *options, "m.py")
    assert code == 1 and said.count("`fixable` or `unfixable` says to leave it") == 2 - len(fixed)
    assert {line.split()[1].rstrip(":") for line in said.splitlines() if line.endswith("[unproved]")} == fixed
    code, said = fixpickle("check", *options, "m.py")
    assert code == 1 and f"2 findings ({len(fixed)} to fix" in said


def test_a_rule_that_is_none_is_refused_there_too(repo: Path) -> None:
    assert "did you mean `bare-lock`" in fixpickle("apply", "--unfixable", "bare_lock", ".")[1]


def test_fix_only_says_nothing_of_what_is_left(repo: Path) -> None:
    (repo / "m.py").write_text(KEY + COUNTED)
    _, said = fixpickle("apply", "--no-verify", "--dry-run", "--fix-only", "m.py")
    assert "[left]" not in said and "0 left" in said and "lambda-value" in said
