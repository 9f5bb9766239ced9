"""The way back: what a run records before it writes, `fixpickle undo`, and runs that are killed while they write."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fixpickle.cli.app import app
from fixpickle.cli.request import Allow
from fixpickle.cli.writing import Written, written
from fixpickle.discover import discover
from fixpickle.journal import Entry, Plan, Record, dump, load, plan, surplus
from fixpickle.model import Change, Refusal, RunReport, Source
from fixpickle.source import read
from fixpickle.store import KEPT_RUNS

LOCK = b"import threading\r\n\r\n\r\nclass Box:\r\n    def __init__(self):\r\n        self.lock = threading.Lock()\r\n"
POOL = """\
from multiprocessing import Pool


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""


def fixpickle(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lock.py").write_bytes(LOCK)
    (tmp_path / "pool.py").write_text(POOL, encoding="latin-1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".fixpickle" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- undo -----------------------------------------------------------------------------------------------------------


def test_undo_gives_back_every_byte_and_mode_and_takes_away_what_the_run_made(project: Path) -> None:
    (project / "lock.py").chmod(0o750)
    before = contents(project)
    done = fixpickle("apply", "--no-verify")
    assert (done.exit_code, done.stderr) == (0, "`fixpickle undo 1` takes this back\n")
    assert contents(project).keys() - before.keys() == {"_fixpickle_locks.py"}
    (project / "lock.py").chmod(0o600)
    done = fixpickle("undo")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "lock.py restored",
        "pool.py restored",
        "_fixpickle_locks.py removed",
        "run 1 taken back: 2 files restored, 1 removed",
    ]
    assert contents(project) == before
    assert os.name == "nt" or stat.S_IMODE((project / "lock.py").stat().st_mode) == 0o750
    assert fixpickle("undo").exit_code == 2


def test_where_one_file_changed_since_nothing_is_undone(project: Path) -> None:
    assert fixpickle("apply", "--no-verify").exit_code == 0
    with (project / "pool.py").open("a") as file:
        file.write("# mine\n")
    (project / "lock.py").unlink()
    after = contents(project)
    done = fixpickle("undo")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "fixpickle: run 1 was not taken back, not in part either; in the way:",
        "  lock.py: is gone",
        "  pool.py: changed since",
    ]
    assert contents(project) == after


def test_runs_are_taken_back_in_any_order_their_files_allow(project: Path) -> None:
    (project / "both.py").write_bytes(LOCK.replace(b"\r\n", b"\n") + POOL.encode())
    before = contents(project)
    assert fixpickle("apply", "--no-verify", "--select", "lambda-value", "pool.py", "both.py").exit_code == 0
    assert fixpickle("apply", "--no-verify", "--select", "bare-lock", "lock.py", "both.py").exit_code == 0
    done = fixpickle("undo", "1")
    assert done.exit_code == 1
    assert "  both.py: was changed by run 2 since; take that one back first" in done.stderr
    assert fixpickle("undo", "2").exit_code == 0
    assert fixpickle("undo", "1").exit_code == 0
    assert contents(project) == before
    listed = fixpickle("undo", "--list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["2", "1"]
    assert all(line.endswith("  (taken back)") for line in listed)
    assert "2 fixes in 2 files" in listed[1] and "2 fixes in 3 files" in listed[0]
    assert fixpickle("undo", "1").stderr == "fixpickle: run 1 was taken back already\n"
    assert "there is no run 7 in the journal; it has 1, 2" in fixpickle("undo", "7").stderr


def test_a_file_that_was_there_before_is_not_taken_away(project: Path) -> None:
    assert fixpickle("apply", "--no-verify", "--select", "bare-lock").exit_code == 0
    made = (project / "_fixpickle_locks.py").read_bytes()
    assert fixpickle("undo").exit_code == 0
    (project / "_fixpickle_locks.py").write_bytes(made)
    before = contents(project)
    assert fixpickle("apply", "--no-verify").exit_code == 0
    assert fixpickle("undo").exit_code == 0
    assert contents(project) == before


@pytest.mark.parametrize("command", [("apply", "--diff"), ("apply", "--dry-run"), ("check",)])
def test_what_writes_nothing_leaves_no_journal(command: tuple[str, ...], project: Path) -> None:
    fixpickle(*command, *(["--no-verify"] if "apply" in command else []))
    assert not (project / ".fixpickle").exists()
    done = fixpickle("undo")
    assert done.exit_code == 2 and "there is no run to take back" in done.stderr


def test_a_project_elsewhere_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(project)
    elsewhere = project / ".fixpickle-elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    done = fixpickle("apply", "--no-verify", str(project / "pool.py"))
    assert done.exit_code == 0
    monkeypatch.chdir(project.parent)
    assert fixpickle("undo").exit_code == 2
    assert fixpickle("undo", "--project", project.name).exit_code == 0
    assert contents(project) == before


# --- links and other people's journals ------------------------------------------------------------------------------

links = pytest.mark.skipif(os.name == "nt", reason="links need a right there")


@links
def test_undo_follows_no_link_that_was_put_in_the_way(project: Path) -> None:
    assert fixpickle("apply", "--no-verify", "--select", "lambda-value").exit_code == 0
    outside = project.parent / f"{project.name}-outside.py"
    (project / "pool.py").rename(outside)
    (project / "pool.py").symlink_to(outside)
    after = outside.read_bytes()
    done = fixpickle("undo")
    assert done.exit_code == 1 and "pool.py: is reached through a link now" in done.stderr
    assert outside.read_bytes() == after


@links
def test_apply_does_not_write_through_a_link_that_leads_out_of_the_project(project: Path) -> None:
    outside = project.parent / f"{project.name}-outside.py"
    outside.write_text(POOL)
    (project / "linked.py").symlink_to(outside)
    done = fixpickle("apply", "--no-verify", "--select", "lambda-value")
    assert done.exit_code == 1
    assert "linked.py is a link that leads out of" in done.stdout
    assert outside.read_text() == POOL
    assert "lambda" not in (project / "pool.py").read_text()


@links
def test_a_state_folder_that_is_a_link_is_not_used(project: Path) -> None:
    outside = project.parent / f"{project.name}-outside"
    outside.mkdir()
    (project / ".fixpickle").symlink_to(outside)
    before = contents(project)
    done = fixpickle("apply", "--no-verify")
    assert done.exit_code == 2 and "the journal cannot be written: it is a link" in done.stderr
    assert contents(project) == before and list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "a/../../b.py", "C:\\x.py", "a\\..\\b.py", ""])
def test_a_record_that_leads_out_of_the_project_is_refused(path: str) -> None:
    record = Record(1, "2026-01-01T00:00:00+00:00", 1, (Entry(path, "00", "11", 1, 0o644),))
    refused = load(dump(record), Path("run.json"))
    assert isinstance(refused, Refusal) and "is not below the project" in refused.reason


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "files": 3}', "null"])
def test_what_is_no_record_is_refused(text: str) -> None:
    assert isinstance(load(text, Path("run.json")), Refusal)


def test_kept_bytes_that_are_damaged_are_not_written_anywhere(project: Path) -> None:
    assert fixpickle("apply", "--no-verify").exit_code == 0
    after = contents(project)
    (project / ".fixpickle" / "journal" / "1" / "old").write_bytes(b"x")
    done = fixpickle("undo")
    assert done.exit_code == 2 and "does not hold what lock.py was" in done.stderr
    assert contents(project) == after


# --- the journal ----------------------------------------------------------------------------------------------------


def test_the_journal_is_no_business_of_git_or_of_the_next_run(project: Path) -> None:
    assert fixpickle("apply", "--no-verify").exit_code == 0
    assert (project / ".fixpickle" / ".gitignore").read_text().splitlines()[-1] == "*"
    (project / ".fixpickle" / "stray.py").write_text(POOL)
    files, _ = discover([project], [], project)
    assert {path.name for path in files} == {"_fixpickle_locks.py", "lock.py", "pool.py"}


def test_only_the_last_runs_are_kept(project: Path) -> None:
    for number in range(KEPT_RUNS + 2):
        (project / f"m{number}.py").write_text(POOL)
        assert fixpickle("apply", "--no-verify", f"m{number}.py").exit_code == 0
    kept = sorted(int(folder.name) for folder in (project / ".fixpickle" / "journal").iterdir())
    assert kept == list(range(3, KEPT_RUNS + 3))


@pytest.mark.parametrize(
    ("sizes", "gone"),
    [([], ()), ([(1, 500)], ()), ([(1, 50), (2, 60)], (1,)), ([(3, 1), (1, 1), (2, 1), (4, 1)], (1,))],
)
def test_runs_beyond_the_number_or_the_bytes_are_forgotten(sizes: list[tuple[int, int]], gone: tuple[int, ...]) -> None:
    assert surplus(sizes, 3, 100) == gone


def test_a_plan_leaves_alone_what_already_is_as_it_was() -> None:
    done, open_, made = Entry("a.py", "old", "new"), Entry("b.py", "old", "new"), Entry("c.py", "", "new")
    record = Record(1, "", 1, (done, open_, made))
    now = {"a.py": "old", "b.py": "new", "c.py": "new"}
    assert plan(record, now, (), Path("/p")) == Plan((open_,), (made,))
    assert plan(record, {"a.py": "old", "b.py": "old", "c.py": ""}, (), Path("/p")) == Plan()


def test_a_record_reads_back_as_it_was_written() -> None:
    record = Record(3, "2026-01-01T00:00:00+00:00", 2, (Entry("é/a.py", "00", "11", 5, 0o755), Entry("b.py", "", "22")))
    assert load(dump(record), Path("run.json")) == record
    assert json.loads(dump(record))["version"] == 1


# --- killed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what survives a kill does not depend on the disk, and fsync is slow."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name).resolve()


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no signals to kill with")
def test_killed_at_any_moment_every_file_is_old_or_new_and_undo_restores_all(
    quick_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(quick_folder)
    report, sources = run_over(quick_folder, 200)
    old, new = contents(quick_folder), {change.path.name: change.new.encode() for change in report.changes}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fixpickle.cli.writing"])
    chance, halfway, whole = random.Random(8), 0, 0.0
    for attempt in range(120):
        if attempt >= 22 and halfway:
            break  # on a machine with other work a kill seldom meets the writing itself: go on until one did
        process = context.Process(target=written, args=(report, sources, Allow()))
        process.start()
        started = time.monotonic()
        # The first two come to their end: one warms up, one tells how long a run takes.
        process.join(None if attempt < 2 else whole * chance.random())
        whole = time.monotonic() - started if attempt < 2 else whole
        process.kill()
        process.join()
        now = {name: data for name, data in contents(quick_folder).items() if not name.endswith(".fixpickle")}
        assert old.keys() <= now.keys() <= new.keys()
        assert all(data in (old.get(name), new[name]) for name, data in now.items())
        changed = sum(data != old.get(name) for name, data in now.items())
        halfway += 0 < changed < len(new)
        done = fixpickle("undo")
        assert done.exit_code == 0 or not changed, done.output
        assert contents(quick_folder) == old, done.output
    assert halfway


def run_over(folder: Path, files: int) -> tuple[RunReport, dict[Path, Source]]:
    """What a run over that many files would write: a line more in each, and a new file."""
    changes = [Change(folder / "made.py", None, "x = 1\n")]
    sources: dict[Path, Source] = {}
    for number in range(files):
        path = folder / f"m{number:03}.py"
        path.write_text(f"x = {number}\n")
        source = read(path)
        assert isinstance(source, Source)
        sources[path] = source
        changes.append(Change(path, source.text, source.text + "y = 2\n"))
    return RunReport(folder, files, changes=tuple(changes)), sources


def test_a_run_that_was_killed_is_recognised(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, sources = run_over(project, 2)
    done = written(report, sources, Allow())
    assert isinstance(done, Written) and done.run is not None and done.run.whole
    (done.run.folder / "whole").unlink()
    (project / ".m000.py.0123abcd.fixpickle").touch()
    shutil.copy(project / "pool.py", project / "another.py")
    said = fixpickle("apply", "--no-verify", "another.py").stderr
    assert "an earlier run was killed while it wrote; `fixpickle undo 1` takes back what it did" in said
    assert "(was killed before its end)" in fixpickle("undo", "--list").stdout
    assert fixpickle("undo", "1").exit_code == 0
    assert (project / "m000.py").read_text() == "x = 0\n" and not (project / "made.py").exists()
    assert not (project / ".m000.py.0123abcd.fixpickle").exists()
