"""Files as they travel: in pieces of a bounded size, the same pieces wherever the same files are in them."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Piece = Callable[[], bytes]
"""Gives the bytes of a piece, on whatever machine it is asked."""

FULL = 32 << 20  # bytes of a piece, and of a file that are in one
_ENDS = 64  # about so many files are in a piece


def packed(files: Iterable[tuple[Path, bytes]]) -> Iterator[bytes]:
    """The contents of files in pieces. A large file comes in parts, one after the other.

    The paths say where a piece ends, so that a file which changes, or is new, changes one piece and leaves the others.
    """
    held: list[tuple[str, bytes]] = []
    size = 0
    for path, data in files:
        held.append((str(path), data))
        size += len(data)
        if size >= FULL or hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest()[0] % _ENDS == 0:
            yield marshal.dumps(held, 2)  # later versions write what somebody else refers to in another way
            held, size = [], 0
    if held:
        yield marshal.dumps(held, 2)


def unpacked(pieces: Iterable[Piece]) -> Iterator[tuple[Path, bytes]]:
    """What was packed, one piece in memory at a time."""
    for piece in pieces:
        for path, data in marshal.loads(piece()):
            yield Path(path), data
