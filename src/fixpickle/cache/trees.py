"""What a check of a whole tree said, and everything it was said of: where all of that is as it was, it is said again.

A file is not read where its size, its times, and the number of its inode are what they were. `ctime` is among the
times: on POSIX no program sets it, so a file that was changed and given its old `mtime` back is read. What was changed
within two seconds of being read is read once more the next time, as git does it: file systems count time in steps.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from fixpickle.cache.codec import Damaged, dump, load
from fixpickle.cache.folder import Folder
from fixpickle.model import Finding, Left, Refusal, RunReport, Settings, Source, Suppressed
from fixpickle.source import decode, modules

_STEP = 2_000_000_000  # nanoseconds; FAT has the coarsest times, two seconds
_FEW = 32  # files that are worth a look of their own, before everything is looked at
_SAYING = ("output_format", "output", "color", "exit_zero", "exit_non_zero_on_fix", "fix_only")
_WORKING = ("jobs", "executor", "address", "cache", "cache_dir")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file that is not read: bytes, nanoseconds, nanoseconds, number."""

    size: int
    modified: int
    changed: int
    inode: int

    @staticmethod
    def of(path: Path) -> Stamp | None:
        """The stamp of what is there now; None where nothing is."""
        try:
            status = os.stat(path)  # noqa: PTH116 - ten thousand times a run
        except OSError:
            return None
        return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def settled(self, seen: int) -> bool:
        """Whether the file cannot have changed once more, unnoticed, after the time `seen`."""
        return max(self.modified, self.changed) + _STEP < seen


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a run read it: SHA-256 of its bytes, empty where it was not read, and the digest of its facts.

    `origin` is another file whose being there decides whether this one is read, and `there` whether it was.
    """

    path: Path
    module: str
    root: Path
    stamp: Stamp | None
    content: str
    facts: str
    origin: Path | None = None
    there: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What of a report the files decide."""

    files: int
    left: tuple[Left, ...]
    skipped: tuple[Refusal, ...]
    suppressed: tuple[Suppressed, ...]
    stale: tuple[str, ...]

    def findings(self) -> Iterator[Finding]:
        yield from (one.finding for one in self.left)
        yield from (one.finding for one in self.suppressed)


@dataclass(frozen=True, slots=True)
class Tree:
    """One check: when it began, in nanoseconds since the epoch; what it read, and asked about besides; what it said."""

    began: int
    files: tuple[Seen, ...]
    asked: tuple[tuple[Path, Stamp | None], ...]
    said: Said


@dataclass(slots=True)
class Notes:
    """What a run has read so far, and whether that is the `whole` of what it was to read.

    `asked` are files and folders besides the sources that its findings depend on.
    """

    folder: Folder
    began: int = field(default_factory=time.time_ns)
    files: list[Seen] = field(default_factory=list)
    asked: set[Path] = field(default_factory=set)
    whole: bool = True


def keep(notes: Notes, paths: Sequence[Path], settings: Settings, report: RunReport) -> None:
    """Keeps what a check of the paths said, unless there were folders that it could not enter."""
    if not notes.whole:
        return
    said = Said(report.files, report.left, report.skipped, report.suppressed, report.stale)
    besides = {*notes.asked, *(entry.path for entry in settings.known)}
    asked = tuple((path, Stamp.of(path)) for path in sorted(besides))
    tree = Tree(notes.began, tuple(sorted(notes.files, key=lambda one: one.path)), asked, said)
    notes.folder.put(_name(paths, settings), dump(tree))


def recall(folder: Folder, paths: Sequence[Path], settings: Settings, files: Sequence[Path]) -> RunReport | None:
    """The report of the last check of the paths, where a check now would say the same; None where it may not.

    `files` are those that a check would read now, sorted.
    """
    began = time.time_ns()
    name = _name(paths, settings)
    kept = folder.get(name)
    try:
        tree = load(Tree, kept) if kept is not None else None
    except Damaged:
        return None
    if tree is None or [one.path for one in tree.files] != list(files) or not _besides_hold(tree):
        return None
    explicit = frozenset(path.absolute() for path in paths)
    now = _now(tree, explicit, folder)
    if now is None:
        return None
    if now != tree.files:
        folder.put(name, dump(replace(tree, began=began, files=now)))
    said = tree.said
    return RunReport(
        settings.root,
        said.files,
        left=said.left,
        skipped=said.skipped,
        suppressed=said.suppressed,
        stale=said.stale,
        python=str(settings.python),
        seconds=(time.time_ns() - began) / 1e9,
    )


def _name(paths: Sequence[Path], settings: Settings) -> str:
    """What was asked for: where, and everything but how it is printed."""
    usual = {one.name: one.default for one in fields(Settings) if one.name in (*_SAYING, *_WORKING)}
    asked = dump(replace(settings, **usual))  # type: ignore[arg-type]  # each is the default of its field
    places = "\0".join(os.path.abspath(path) for path in paths)  # noqa: PTH100 - resolve would follow links
    digest = hashlib.blake2b(asked + places.encode("utf-8", "surrogateescape"), digest_size=16)
    return f"trees/{digest.hexdigest()}"


def _besides_hold(tree: Tree) -> bool:
    for path, stamp in tree.asked:
        if Stamp.of(path) != stamp or (stamp is not None and not stamp.settled(tree.began)):
            return False
    return all(one.origin.exists() == one.there for one in tree.files if one.origin is not None)


def _now(tree: Tree, explicit: frozenset[Path], folder: Folder) -> tuple[Seen, ...] | None:
    """The files as they are, where they say what they said; None where they may not."""
    if modules([one.path for one in tree.files]) != [(one.module, one.root) for one in tree.files]:
        return None
    about = {finding.path for finding in tree.said.findings()}
    now: list[Seen] = []
    changed = 0
    for one in tree.files:
        stamp = Stamp.of(one.path)
        if stamp is None:
            return None
        if stamp == one.stamp and stamp.settled(tree.began):
            now.append(one)
            continue
        after = _read_again(one, stamp, None if one.path in about else folder, one.path in explicit)
        changed += after is not None and after.content != one.content
        if after is None or changed > _FEW:
            return None
        now.append(after)
    return tuple(now)


def _read_again(one: Seen, stamp: Stamp, folder: Folder | None, explicit: bool) -> Seen | None:
    """The file as it is, where its facts are what they were; without a folder only its very content will do."""
    try:
        data = one.path.read_bytes()
    except OSError:
        return None
    content = hashlib.sha256(data).hexdigest()
    if content == one.content:
        return replace(one, stamp=stamp)
    source = decode(data, one.path, explicit)
    if folder is None or not one.facts or one.origin is not None or not isinstance(source, Source):
        return None
    from fixpickle.cache.surveyed import surveyed  # what surveys is not imported where nothing has changed

    digest = surveyed(source, folder).digest
    return replace(one, stamp=stamp, content=content) if digest == one.facts else None
