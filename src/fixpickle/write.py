"""Changes -> files on disk: each file wholly old or wholly new, a fix in several files in all of them or in none."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

from fixpickle.model import Change, Left, Patch, Refusal, RunReport, Source
from fixpickle.source import encode


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it is to be written: `staged` beside `target`, where `path` leads to.

    `digest` is what the target must still hold, None for a file that must not exist yet.
    """

    path: Path
    target: Path
    staged: Path
    old: bytes
    new: bytes
    digest: str | None


@dataclass(frozen=True, slots=True)
class Former:
    """A file as it is to be again, with its mode; `content` is None for one that is to go.

    `digest` is what it must hold until then.
    """

    path: Path
    digest: str
    content: bytes | None
    mode: int


def grouped(report: RunReport) -> tuple[tuple[Change, ...], ...]:
    """The changes of a run, those together that must be written together or not at all.

    Patches that edit one file share their fate. A new file that several of them bring along is in the group of each.
    """
    homes: list[frozenset[Path]] = []
    for fixed in report.fixed:
        home = _home(fixed.patch)
        shared = [other for other in homes if other & home]
        homes = [other for other in homes if not other & home] + [home.union(*shared)]
    groups = [home.union(*(f.patch.paths for f in report.fixed if _home(f.patch) <= home)) for home in homes]
    groups += [frozenset({c.path}) for c in report.changes if not any(c.path in group for group in groups)]
    together = (tuple(change for change in report.changes if change.path in group) for group in groups)
    return tuple(sorted(filter(None, together), key=lambda changes: changes[0].path))


def _home(patch: Patch) -> frozenset[Path]:
    return frozenset(edit.path for edit in patch.edits) or patch.paths


def write(groups: Iterable[Sequence[Change]], sources: Mapping[Path, Source]) -> tuple[Refusal, ...]:
    """Writes each group of changes that can be written whole; a refusal for each file that was in the way.

    `sources` are the files as the run read them; new files have none and become UTF-8. A group is written only if
    every file of it still has its source's digest and every character can be encoded. Links are written through;
    mode and, where allowed, ownership stay.
    """
    return tuple(dict.fromkeys(refusal for group in groups for refusal in _write_group(group, sources)))


def put_back(files: Sequence[Former]) -> tuple[Refusal, ...]:
    """Makes files what they were, all of them or none; a refusal for each that is in the way.

    Those that are to go are looked at and stay: see :func:`remove`.
    """
    prepared = [_former(former) for former in files]
    refused = [file for file in prepared if isinstance(file, Refusal)]
    whole = [file for file in prepared if isinstance(file, _File)]
    refused += [refusal for file in whole for refusal in _obstacle(file)]
    if refused:
        return tuple(refused)
    back = [(file, former) for file, former in zip(whole, files, strict=True) if former.content is not None]
    with contextlib.ExitStack() as leftovers:
        for file, former in back:
            leftovers.callback(file.staged.unlink, missing_ok=True)
            refused += _stage(file, former.mode)
        refused += [refusal for file in whole for refusal in _obstacle(file)]
        refused = refused or _commit([file for file, _ in back])
    return tuple(refused)


def remove(path: Path) -> Refusal | None:
    """Takes a file away; gives why that cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return Refusal(path, f"cannot be removed: {error.strerror}")
    return None


def sweep(target: Path) -> None:
    """Takes away what a run that was killed had staged beside a file."""
    for staged in target.parent.glob(f".{glob.escape(target.name)}.????????.fixpickle"):
        if staged.is_file() and not staged.is_symlink():
            staged.unlink(missing_ok=True)


def account(report: RunReport, refused: Sequence[Refusal]) -> RunReport:
    """What a run did, once it is known what could not be written: fixes in those files are findings left."""
    reasons = {refusal.path: f"{refusal.path.name} {refusal.reason}" for refusal in refused}
    lost: dict[Path, str] = {}
    written: set[Path] = set()
    for group in grouped(report):
        reason = next((reasons[change.path] for change in group if change.path in reasons), None)
        if reason is None:
            written.update(change.path for change in group)
        else:
            lost.update({change.path: reason for change in group})
    homes = [(fixed, sorted(_home(fixed.patch) & lost.keys() - written)) for fixed in report.fixed]
    left = (Left(fixed.patch.finding, lost[home[0]]) for fixed, home in homes if home)
    return replace(
        report,
        fixed=tuple(fixed for fixed, home in homes if not home),
        left=tuple(sorted((*report.left, *left), key=lambda one: (one.finding.path, one.finding.span))),
        skipped=(*report.skipped, *refused),
        changes=tuple(change for change in report.changes if change.path in written),
    )


def as_found(report: RunReport) -> RunReport:
    """A run that writes nothing: what is left stands where the files have it, not where the fixes would move it."""
    left = (replace(x, finding=x.first, reason=x.first.reason or x.reason) if x.first else x for x in report.left)
    return replace(report, left=tuple(left))


def _write_group(group: Sequence[Change], sources: Mapping[Path, Source]) -> list[Refusal]:
    prepared = [_prepared(change, sources.get(change.path)) for change in group]
    refused = [file for file in prepared if isinstance(file, Refusal)]
    # New files first: nothing imports them yet, so a run killed half-way leaves working code.
    files = sorted((f for f in prepared if isinstance(f, _File)), key=lambda file: file.digest is not None)
    refused += [refusal for file in files for refusal in _obstacle(file)]
    if refused:
        return refused
    with contextlib.ExitStack() as leftovers:
        for file in files:
            leftovers.callback(file.staged.unlink, missing_ok=True)
            refused += _stage(file)
        # Once more, now that all that takes time is done.
        refused += [refusal for file in files for refusal in _obstacle(file)]
        return refused or _commit(files)


def _prepared(change: Change, source: Source | None) -> _File | Refusal:
    target = change.path.resolve()
    staged = _beside(target)
    if source is None:
        return _File(change.path, target, staged, b"", change.new.encode(), None)
    old, new = encode(source.text, source), encode(change.new, source)
    if isinstance(old, Refusal):
        return old
    return new if isinstance(new, Refusal) else _File(change.path, target, staged, old, new, source.digest)


def _former(former: Former) -> _File | Refusal:
    path = former.path
    try:
        old = path.read_bytes()
    except OSError as error:
        return Refusal(path, f"cannot be read again: {error.strerror}")
    return _File(path, path, _beside(path), old, former.content or b"", former.digest)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{token_hex(4)}.fixpickle")


def _stage(file: _File, mode: int | None = None) -> list[Refusal]:
    """Writes the new bytes beside the file they are for, with its owner, and its mode unless `mode` is another."""
    try:
        with file.staged.open("xb") as out:
            out.write(file.new)
            out.flush()
            os.fsync(out.fileno())
        if file.digest is not None:
            status = file.target.stat()
            # Only root may give files away. The mode comes second: a change of owner clears bits of it.
            with contextlib.suppress(OSError, AttributeError):
                os.chown(file.staged, status.st_uid, status.st_gid)
            file.staged.chmod(stat.S_IMODE(status.st_mode) if mode is None else mode)
    except OSError as error:
        return [Refusal(file.path, f"cannot be written: {error.strerror}")]
    return []


def _obstacle(file: _File) -> list[Refusal]:
    try:
        data = file.target.read_bytes()
    except FileNotFoundError:
        return [] if file.digest is None else [Refusal(file.path, "is gone since it was read")]
    except OSError as error:
        return [Refusal(file.path, f"cannot be read again: {error.strerror}")]
    if file.digest is None:
        return [] if data == file.new else [Refusal(file.path, "is there already, with other content")]
    if hashlib.sha256(data).hexdigest() != file.digest:
        return [Refusal(file.path, "changed on disk since it was read; run again")]
    # Replacing needs no right to write to the file itself, but whoever took that right away meant it.
    return [] if os.access(file.target, os.W_OK) else [Refusal(file.path, "is write-protected")]


def _commit(files: Sequence[_File]) -> list[Refusal]:
    """Puts the staged files in place; where one cannot be, the ones before it are put back."""
    done: list[_File] = []
    for file in files:
        # Another group may have brought the same new file already; it is not ours to take away again.
        if file.digest is None and file.target.exists():
            continue
        try:
            if file.digest is None:
                _create(file)
            else:
                file.staged.replace(file.target)
        except OSError as error:
            for earlier in reversed(done):
                _revert(earlier)
            return [Refusal(file.path, f"cannot be written: {error.strerror}")]
        done.append(file)
    return []


def _create(file: _File) -> None:
    """As `open(..., "x")`, but never half-written: a link fails where the name is taken, a rename would replace it."""
    try:
        os.link(file.staged, file.target)
    except FileExistsError:
        raise
    except (OSError, AttributeError):  # a file system without links
        with file.target.open("xb") as out:
            out.write(file.new)


def _revert(file: _File) -> None:
    if file.digest is None:
        file.target.unlink(missing_ok=True)
    else:
        file.target.write_bytes(file.old)
