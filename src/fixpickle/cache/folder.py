"""Where the cache is, and one entry of it: written whole or not at all, and read only as it was written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

KEPT_DAYS = 30
"""An entry is kept that long. What is still needed then is found out once more."""

_CHECKSUM = 16
_TAG = "CACHEDIR.TAG"
# Source: bford.info/cachedir. Programs that make backups leave such folders out.
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n# What fixpickle keeps between runs. It may be deleted.\n"


@dataclass(frozen=True, slots=True)
class Folder:
    """The cache of one version of fixpickle, `version`, in the folder `path` that all versions share."""

    path: Path
    version: str

    @property
    def home(self) -> Path:
        return self.path / self.version

    def opened(self) -> Folder | None:
        """Itself, made where it was not there; None where it cannot be, or where others than this user may write."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.home.mkdir(mode=0o700, exist_ok=True)
            if not (self.path / _TAG).exists():
                _put(self.path / _TAG, _SIGNATURE)
        except OSError:
            pass  # it may be there and not to be written: what it holds is of use all the same
        return self if _is_own(self.home) else None

    def get(self, name: str) -> bytes | None:
        """What was put under that name, or None."""
        try:
            data = (self.home / name).read_bytes()
        except OSError:
            return None
        return data[_CHECKSUM:] if data[:_CHECKSUM] == _checksum(data[_CHECKSUM:]) else None

    def put(self, name: str, data: bytes) -> None:
        """Keeps it, in place of what was there, or leaves it where the disk is full or may not be written."""
        path = self.home / name
        with contextlib.suppress(OSError):
            try:
                _put(path, _checksum(data) + data)
            except FileNotFoundError:
                path.parent.mkdir(mode=0o700, exist_ok=True)
                _put(path, _checksum(data) + data)

    def prune(self, now: float) -> None:
        """Deletes what is older than :data:`KEPT_DAYS`, once a day: `now` is in seconds since the epoch."""
        with contextlib.suppress(OSError):
            marker = self.home / "pruned"
            if marker.exists() and now - marker.stat().st_mtime < 86_400:
                return
            _put(marker, b"")
            for path in _files(self.path):
                if now - path.stat().st_mtime > KEPT_DAYS * 86_400:
                    path.unlink()
            for version in self.path.iterdir():
                if version.is_dir() and version != self.home and not any(_files(version)):
                    shutil.rmtree(version, ignore_errors=True)


def place(asked: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the cache: as asked for, else `fixpickle` where the user's caches are.

    Sources: the XDG base directory specification, which wins on every system where its variable is set; the guides of
    Apple and Microsoft for what applications keep.
    """
    if asked is not None:
        return asked
    named = environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "fixpickle"
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "fixpickle" / "Cache"
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - where there is no home, this leaves it as it is
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "fixpickle"


def clean(path: Path) -> tuple[int, int] | str:
    """Deletes the cache: how many files and bytes these were; or why it is not deleted."""
    if not path.exists():
        return 0, 0
    if path.is_symlink() or not (path / _TAG).is_file() or (path / _TAG).read_bytes() != _SIGNATURE:
        return "it is not a cache that fixpickle made"
    sizes = [file.stat().st_size for file in _files(path)]
    shutil.rmtree(path, ignore_errors=True)
    return "not all of it could be deleted" if path.exists() else (len(sizes), sum(sizes))


def _files(path: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(path):
        yield from (Path(folder, name) for name in names if name != _TAG)


def _is_own(path: Path) -> bool:
    """Whether it is a folder in which nobody but this user can have put anything."""
    try:
        status = path.lstat()
    except OSError:
        return False
    mine = sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)
    return stat.S_ISDIR(status.st_mode) and mine


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_CHECKSUM).digest()


def _put(path: Path, data: bytes) -> None:
    """Nobody waits for the disk: what a crash cuts short has a wrong checksum."""
    staged = path.with_name(f".{token_hex(8)}")
    try:
        with staged.open("xb") as out:
            out.write(data)
        staged.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise
