"""What `fixpickle undo` does. Imports the journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from fixpickle.cli.terminal import complain, put
from fixpickle.journal import Entry, plan
from fixpickle.model import Refusal
from fixpickle.store import FOLDER, Stored, digest, kept, runs, taken_back
from fixpickle.write import Former, put_back, remove, sweep


def undo(number: int | None, project: Path | None) -> int:
    """Takes back one run, the last by default; 0, 1 where files stand against it, or 2 where there is no such run."""
    stored = _journal(project)
    if isinstance(stored, str):
        complain(stored)
        return 2
    run = _chosen(stored, number)
    if isinstance(run, str):
        complain(run)
        return 2
    later = [other.record for other in stored if other.record.run > run.record.run and not other.undone]
    now = {entry.path: digest(run.root, entry) for entry in run.record.entries}
    todo = plan(run.record, now, later, run.root)
    if isinstance(todo, tuple):
        return _refuse(run, todo)
    contents = kept(run)
    if isinstance(contents, Refusal):
        complain(f"{contents.path} {contents.reason}; run {run.record.run} cannot be taken back")
        return 2
    former = [Former(run.root / e.path, e.new, contents[e.path], e.mode) for e in todo.restore]
    refused = put_back([*former, *(Former(run.root / e.path, e.new, None, 0) for e in todo.remove)])
    if refused:
        return _refuse(run, refused)
    # What is to go comes last: until then nothing that needs it is without it.
    stuck = [refusal for entry in todo.remove if (refusal := remove(run.root / entry.path))]
    if stuck:
        complain(_said(f"run {run.record.run} was taken back, except for", stuck))
        return 1
    if not run.whole:
        for entry in run.record.entries:
            sweep(run.root / entry.path)
    taken_back(run)
    put(sys.stdout, _done(run, todo.restore, todo.remove))
    return 0


def list_runs(project: Path | None) -> int:
    """Prints the runs of the journal, last first; 0, or 2 where there is none."""
    stored = _journal(project)
    if isinstance(stored, str):
        complain(stored)
        return 2
    for run in reversed(stored):
        record = run.record
        state = "  (taken back)" if run.undone else "" if run.whole else "  (was killed before its end)"
        counts = f"{_count(record.fixes, 'fix', 'es')} in {_count(len(record.entries), 'file')}"
        put(sys.stdout, f"{record.run:>4}  {_when(record.started)}  {counts}{state}\n")
    return 0


def _journal(project: Path | None) -> tuple[Stored, ...] | str:
    start = (project or Path()).resolve()
    around = [start] if project else [start, *start.parents]
    root = next((folder for folder in around if (folder / FOLDER / "journal").is_dir()), None)
    if root is None:
        where = f"{start}" if project else f"{start} or above it; --project names another folder"
        return f"there is no run to take back in {where}"
    stored = runs(root)
    return f"{stored.path}: {stored.reason}" if isinstance(stored, Refusal) else stored


def _chosen(stored: Sequence[Stored], number: int | None) -> Stored | str:
    if number is None:
        last = next((run for run in reversed(stored) if not run.undone), None)
        return last or "every run was taken back already"
    run = next((run for run in stored if run.record.run == number), None)
    if run is None:
        known = ", ".join(str(run.record.run) for run in stored) or "none"
        return f"there is no run {number} in the journal; it has {known}"
    return f"run {number} was taken back already" if run.undone else run


def _refuse(run: Stored, refused: Sequence[Refusal]) -> int:
    complain(_said(f"run {run.record.run} was not taken back, not in part either; in the way:", refused))
    return 1


def _said(what: str, refused: Sequence[Refusal]) -> str:
    return what + "".join(f"\n  {_shown(refusal.path)}: {refusal.reason}" for refusal in refused)


def _done(run: Stored, restored: Sequence[Entry], removed: Sequence[Entry]) -> str:
    lines = [f"{_shown(run.root / entry.path)} restored" for entry in restored]
    lines += [f"{_shown(run.root / entry.path)} removed" for entry in removed]
    counts = f"{_count(len(restored), 'file')} restored, {len(removed)} removed"
    return "".join(f"{line}\n" for line in (*lines, f"run {run.record.run} taken back: {counts}"))


def _shown(path: Path) -> str:
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _when(started: str) -> str:
    return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")


def _count(number: int, noun: str, ending: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else ending}"
