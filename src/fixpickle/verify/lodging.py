"""The folder of a worker in which the files of another machine lie: filled once, and used while nobody changes it."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from fixpickle.verify.luggage import Piece, unpacked

_State = Mapping[str, tuple[int, ...]]
# Its parent is gone when nobody can write to the pipe any more. It is none that Ray would end together with the parent.
_CARETAKER = """\
import os, shutil, sys
if os.fork():
    os._exit(0)
os.setsid()
sys.stdin.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@dataclass(slots=True)
class Lodging:
    """One folder, for one set of files at a time. What user code changes in it is noticed, and it is filled anew."""

    _mark: bytes = b""
    _state: _State = field(default_factory=dict)
    _above: Path | None = None
    _folder: Path | None = None

    def of(self, mark: bytes, pieces: Sequence[Piece]) -> Path:
        """A folder with just the files in `pieces`, which the `mark` stands for. Raises OSError."""
        if self._folder is not None and mark == self._mark and _state(self._folder) == self._state:
            return self._folder
        if self._above is None:
            self._above = Path(tempfile.mkdtemp(prefix="fixpickle-")).resolve()
            _attend(self._above)
        for folder in self._above.glob("files-*"):
            shutil.rmtree(folder, ignore_errors=True)  # user code may have closed a folder in it
        self._folder = None
        folder = Path(tempfile.mkdtemp(dir=self._above, prefix="files-"))
        for path, data in unpacked(pieces):
            place = moved(path, folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("ab") as file:
                file.write(data)
        self._mark, self._folder, self._state = mark, folder, _state(folder)
        return folder


def moved(path: Path, folder: Path) -> Path:
    """Where a file of the other machine lies in the folder."""
    return folder.joinpath(*PurePath(path).parts[1:])


def _state(folder: Path) -> _State:
    """What is in a folder, without reading it: who changes a file changes a time of it that nobody can set."""
    found: dict[str, tuple[int, ...]] = {}
    for above, folders, files in os.walk(folder):
        for path in (f"{above}{os.sep}{name}" for name in (*folders, *files)):
            with contextlib.suppress(OSError):
                seen = os.lstat(path)
                found[path] = (seen.st_mode, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found


def _attend(folder: Path) -> None:
    """Has the folder removed when this process has ended, however it ends."""
    if not hasattr(os, "fork"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return
    reads, _ = os.pipe()  # the other end stays open for as long as this process lives
    command = [sys.executable, "-I", "-S", "-c", _CARETAKER, str(folder)]
    subprocess.run(command, stdin=reads, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    os.close(reads)
