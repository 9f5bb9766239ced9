"""What fixpickle keeps in a project between runs: `.fixpickle/`, which git ignores, with the journal and decisions."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from secrets import token_hex

from fixpickle.journal import Entry, Record, dump, load, surplus
from fixpickle.model import Refusal

FOLDER = ".fixpickle"
KEPT_RUNS = 10
KEPT_BYTES = 200_000_000
"""What the journal holds on to. The last run is kept however large it is."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A run in the journal of `root`. `whole`: it came to its end. `undone`: it was taken back."""

    root: Path
    record: Record
    whole: bool
    undone: bool

    @property
    def folder(self) -> Path:
        return self.root / FOLDER / "journal" / str(self.record.run)


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is about to be written: below the root, links resolved. `old` is None where there is none yet."""

    path: str
    old: bytes | None
    new: bytes
    mode: int = 0


# --- the journal ----------------------------------------------------------------------------------------------------


def begin(root: Path, targets: Sequence[Target], fixes: int) -> Stored | Refusal:
    """Records a run before it writes. Without `run.json`, which comes last, there was no run."""
    try:
        journal = _opened(root) / "journal"
        journal.mkdir(exist_ok=True)
        folder = _numbered(journal)
        _put(folder / "old", b"".join(target.old or b"" for target in targets))
        entries = tuple(_entry(target) for target in targets)
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record = Record(int(folder.name), started, fixes, entries)
        _put(folder / "run.json", dump(record).encode())
        _forget(journal)
    except OSError as error:
        return Refusal(root / FOLDER, f"the journal cannot be written: {error.strerror or error}")
    return Stored(root, record, whole=False, undone=False)


def end(run: Stored) -> Stored:
    """Notes that a run wrote all that it was going to write. Without the note it can be taken back all the same."""
    with contextlib.suppress(OSError):
        _put(run.folder / "whole", b"")
    return replace(run, whole=True)


def drop(run: Stored) -> None:
    """Forgets a run, one that wrote nothing."""
    _remove(run.folder)


def taken_back(run: Stored) -> None:
    """Notes that a run was taken back. What it kept is needed no longer."""
    _put(run.folder / "undone", b"")
    (run.folder / "old").unlink(missing_ok=True)


def runs(root: Path) -> tuple[Stored, ...] | Refusal:
    """The runs in the journal, oldest first; a refusal where one of them cannot be read."""
    journal = root / FOLDER / "journal"
    if _is_led_away(root):
        return Refusal(root / FOLDER, "is a link, which is not followed")
    found: list[Stored] = []
    for number in _numbers(journal):
        folder = journal / str(number)
        with contextlib.suppress(FileNotFoundError):  # it died before it had a record, and so before it wrote
            record = load((folder / "run.json").read_text("utf-8", "replace"), folder / "run.json")
            if isinstance(record, Refusal):
                return record
            record = replace(record, run=number)
            found.append(Stored(root, record, (folder / "whole").exists(), (folder / "undone").exists()))
    return tuple(found)


def kept(run: Stored) -> Mapping[str, bytes] | Refusal:
    """The bytes that each file of a run held before; refused where they are not what they were."""
    try:
        data = (run.folder / "old").read_bytes()
    except OSError as error:
        return Refusal(run.folder / "old", f"cannot be read: {error.strerror}")
    contents: dict[str, bytes] = {}
    position = 0
    for entry in run.record.entries:
        content = data[position : position + entry.size]
        position += entry.size
        if entry.old and hashlib.sha256(content).hexdigest() != entry.old:
            return Refusal(run.folder / "old", f"does not hold what {entry.path} was")
        contents[entry.path] = content
    return contents


def digest(root: Path, entry: Entry) -> str | Refusal:
    """The digest of a run's file as it is now, empty where there is none. No link is followed on the way to it."""
    path = root / entry.path
    try:
        if path.resolve() != path or not stat.S_ISREG(path.lstat().st_mode):
            return Refusal(path, "is reached through a link now, or is no file")
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle, until Python 3.13
        return Refusal(path, f"cannot be read: {getattr(error, 'strerror', error)}")


def _entry(target: Target) -> Entry:
    new = hashlib.sha256(target.new).hexdigest()
    if target.old is None:
        return Entry(target.path, "", new)
    return Entry(target.path, hashlib.sha256(target.old).hexdigest(), new, len(target.old), target.mode)


def _numbered(journal: Path) -> Path:
    """A folder for one run. Two runs at once get two: only one of them can make a folder."""
    while True:
        folder = journal / str(max(_numbers(journal), default=0) + 1)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder


def _numbers(journal: Path) -> list[int]:
    try:
        names = [entry.name for entry in os.scandir(journal) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and str(int(name)) == name)


def _forget(journal: Path) -> None:
    sizes = [(number, _size(journal / str(number) / "old")) for number in _numbers(journal)]
    for number in surplus(sizes, KEPT_RUNS, KEPT_BYTES):
        _remove(journal / str(number))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove(folder: Path) -> None:
    # The record first: without it the rest is nothing, should this be cut short.
    (folder / "run.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


# --- decisions ------------------------------------------------------------------------------------------------------


def decisions(root: Path) -> dict[str, str]:
    """What was decided about findings, by their fingerprints; empty where nothing can be read."""
    try:
        document = json.loads((root / FOLDER / "decisions.json").read_text("utf-8"))
        if _is_led_away(root) or document["version"] != 1:
            return {}
        return {str(name): str(value) for name, value in document["decisions"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def decide(root: Path, decided: Mapping[str, str]) -> None:
    """Keeps what was decided. Raises OSError where it cannot."""
    document = {"version": 1, "decisions": dict(sorted(decided.items()))}
    _put(_opened(root) / "decisions.json", (json.dumps(document, indent=1) + "\n").encode())


def keep(root: Path, name: str, text: str) -> Path:
    """Keeps a text under a name in the folder, and gives its place. Raises OSError where it cannot."""
    path = _opened(root) / name
    _put(path, text.encode("utf-8", "backslashreplace"))
    return path


# --- the folder -----------------------------------------------------------------------------------------------------


def _opened(root: Path) -> Path:
    """The folder, made where it is not there. Raises OSError where it cannot be, or is a link to somewhere else."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    if _is_led_away(root):
        raise OSError("it is a link, which is not followed")
    if not (folder / ".gitignore").exists():
        _put(folder / ".gitignore", b"# What fixpickle keeps between runs. Nothing here is for version control.\n*\n")
    return folder


def _is_led_away(root: Path) -> bool:
    folder = root / FOLDER
    return folder.is_symlink() or (folder / "journal").is_symlink()


def _put(path: Path, data: bytes) -> None:
    staged = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with staged.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        staged.replace(path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise
