"""Bytes that are asked for seldom, out of memory: in a temporary file without a name, which goes with the process."""

from __future__ import annotations

import tempfile
import weakref
from typing import BinaryIO

_CHUNK = 1_000_000  # bytes that are written at once


class Attic:
    """Takes bytes and gives them back by their place. Where the disk takes no more, the rest stays in memory."""

    __slots__ = ("__weakref__", "_file", "_tail", "_written")

    def __init__(self) -> None:
        self._written = 0
        self._tail = bytearray()
        self._file: BinaryIO | None = None
        try:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed when the attic goes
            weakref.finalize(self, self._file.close)
        except OSError:
            pass

    def put(self, data: bytes) -> int:
        """The place where the bytes are from now on."""
        place = self._written + len(self._tail)
        self._tail += data
        if len(self._tail) >= _CHUNK and self._file is not None and self._drained(self._file):
            self._written += len(self._tail)
            self._tail.clear()
        return place

    def get(self, place: int, length: int) -> bytes:
        """As many bytes from a place on. Raises OSError where the disk has lost them."""
        if place >= self._written or self._file is None:
            start = place - self._written
            return bytes(self._tail[start : start + length])
        self._file.seek(place)
        found = b""
        while len(found) < length:
            more = self._file.read(length - len(found))
            if not more:
                raise OSError("a temporary file was cut short while it was in use")
            found += more
        return found

    def _drained(self, file: BinaryIO) -> bool:
        """Whether the tail is on disk, all of it: of half of it nothing is said, and it is written once more."""
        try:
            file.seek(self._written)
            done = 0
            with memoryview(self._tail) as rest:
                while done < len(rest):
                    done += file.write(rest[done:])
        except OSError:
            return False
        return True
