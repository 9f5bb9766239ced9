"""Whether git could give back the files that are to be written: those it could not are left alone, as cargo does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fixpickle.cli.git import git
from fixpickle.cli.request import Allow
from fixpickle.model import Refusal
from fixpickle.store import runs

_AT_ONCE = 100  # a command line has a length limit, on Windows of 32 kB


def guard(paths: Iterable[Path], root: Path, allow: Allow) -> tuple[Refusal, ...]:
    """A refusal for each of these files that git cannot give back as it is. Without a repository there is none.

    Not meant are files that git ignores, and those that still hold what a run in the journal of `root` wrote: there
    `fixpickle undo` is the way back.
    """
    if allow.dirty:
        return ()
    places: dict[Path, list[Path]] = {}
    for path in paths:
        target = path.resolve()
        top = next((folder for folder in target.parents if (folder / ".git").exists()), None)
        if top is not None:
            places.setdefault(top, []).append(target)
    ours = _written(root)
    found = (refusal for top, files in places.items() for refusal in _in_repository(top, files, allow, ours))
    return tuple(sorted(found, key=lambda refusal: refusal.path))


def _in_repository(top: Path, files: list[Path], allow: Allow, ours: Mapping[Path, str]) -> Iterator[Refusal]:
    for start in range(0, len(files), _AT_ONCE):
        some = [f":(literal){file.relative_to(top).as_posix()}" for file in files[start : start + _AT_ONCE]]
        # Renames off: two letters and one path for each file.
        said = git(top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *some)
        if isinstance(said, Refusal):
            yield Refusal(top, f"git cannot say what is committed: {said.reason}")
            return
        for line in filter(None, said.split("\0")):
            path = top / line[3:]
            reason = _reason(line[0], line[1], allow)
            if reason and not (line[0] in " ?" and ours.get(path) == _digest(path)):
                yield Refusal(path, reason)


def _reason(index: str, tree: str, allow: Allow) -> str:
    if tree == "?":
        return "untracked"
    if tree != " ":
        return "changed"
    return "" if allow.staged else "staged"


def _written(root: Path) -> dict[Path, str]:
    """What the journal says each file was given last."""
    stored = runs(root)
    if isinstance(stored, Refusal):
        return {}
    return {root / entry.path: entry.new for run in stored if not run.undone for entry in run.record.entries}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
