"""What the children of one run share, in a folder of theirs: parcels on their way, and code that is compiled."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import marshal
import os
import types
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

_open = io.open


class Appended:
    """Appends to a file by its path. It stays open, and is opened anew where user code has closed it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = -1
        self.identity: Optional[Tuple[int, int]] = None

    def write(self, data: bytes) -> None:
        if self.identity is None or self._identity() != self.identity:
            self.descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0))
            self.identity = self._identity()
        while data:
            data = data[os.write(self.descriptor, data) :]

    def close(self) -> None:
        if self.identity is not None and self._identity() == self.identity:
            os.close(self.descriptor)
        self.identity = None

    def _identity(self) -> Optional[Tuple[int, int]]:
        """Which file the descriptor stands for: it may be another one by now."""
        with contextlib.suppress(OSError):
            status = os.fstat(self.descriptor)
            return status.st_dev, status.st_ino
        return None


Parcel = Union[bytes, List[Any]]
"""A pickle, or the place of one that is on its way already: the name of a file, where it begins, and its size."""


class Parcels:
    """Pickles on their way from one interpreter to another. The process in between sees places in a file alone."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.name = "%d.parcels" % os.getpid()
        self.file = Appended(os.path.join(folder, self.name))
        self.size = 0

    def put(self, parcel: bytes) -> List[Any]:
        """The place of the parcel."""
        return self.put_all([parcel])[0]

    def put_all(self, parcels: Sequence[Parcel]) -> List[List[Any]]:
        """The places of the parcels. Equal ones share a place."""
        places: Dict[bytes, List[Any]] = {}
        found, new = [], []
        for parcel in parcels:
            if isinstance(parcel, bytes) and parcel not in places:
                places[parcel] = [self.name, self.size, len(parcel)]
                self.size += len(parcel)
                new.append(parcel)
            found.append(places[parcel] if isinstance(parcel, bytes) else parcel)
        if new:
            self.file.write(b"".join(new))
        return found

    def get(self, place: List[Any]) -> bytes:
        return self.get_all([place])[tuple(place)]

    def get_all(self, places: Sequence[List[Any]]) -> Dict[Tuple[Any, ...], bytes]:
        """The parcels by their places."""
        found: Dict[Tuple[Any, ...], bytes] = {}
        for name in {place[0] for place in places}:
            with _open(os.path.join(self.folder, name), "rb") as file:
                for place in places:
                    if place[0] == name and tuple(place) not in found:
                        file.seek(place[1])
                        found[tuple(place)] = file.read(place[2])
        return found


class Kept:
    """Compiles a text once for all children that are shown the same files. What is kept is gone with the run.

    It lies in a folder of theirs: for each path and text, the code of this very interpreter.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.compiled: Dict[Tuple[str, str], bytes] = {}
        self.new: Dict[Tuple[str, str], types.CodeType] = {}
        for name in os.listdir(folder):
            if name.endswith(".codes"):
                with contextlib.suppress(Exception), _open(os.path.join(folder, name), "rb") as file:
                    self.compiled.update(marshal.load(file))

    def code(self, text: str, path: str) -> types.CodeType:
        known = self.new.get((path, text))
        if known is None and (path, text) in self.compiled:
            with contextlib.suppress(Exception):
                known = marshal.loads(self.compiled[path, text])
        if not isinstance(known, types.CodeType):
            known = self.new[path, text] = _of_disk(text, path) or compile(text, path, "exec", dont_inherit=True)
        return known

    def save(self) -> None:
        """For a child that is about to start. Files are few, for making one takes longer than compiling."""
        if not self.new:
            return
        new = {of: marshal.dumps(code) for of, code in self.new.items()}
        self.compiled.update(new)
        with contextlib.suppress(Exception):
            place = os.path.join(self.folder, "%d-%d.codes" % (os.getpid(), len(self.compiled)))
            with _open(place + ".draft", "wb") as file:
                marshal.dump(new, file)
            os.replace(place + ".draft", place)
        self.new.clear()


def _of_disk(text: str, path: str) -> Optional[types.CodeType]:
    """The code of a file that holds this text: of the bytecode beside it, where that is of this very file."""
    with contextlib.suppress(Exception):
        if not os.path.exists(importlib.util.cache_from_source(path)):
            return None
        with _open(path, "rb") as file:
            if file.read() == text.encode("utf-8"):
                return importlib.machinery.SourceFileLoader("", path).get_code("")
    return None
