"""The sources of a run, most of them without their texts: what is on disk need not be in memory as well."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from fixpickle.model import Refusal, Source
from fixpickle.source import again

_MOST = 2_000_000  # characters of texts that were read again and may be asked for once more


class Changed(Exception):
    """A file that is not what it was when this run read it. `args` is one sentence for the person who started it."""


def bare(source: Source) -> Source:
    """A source without its text, for the shelf."""
    return replace(source, text="", notebook="")


class Shelf(Mapping[Path, Source]):
    """Sources by path. Those on `disk` are bare, and read again when they are asked for, if they are what they were.

    Those in `memory` are as they stand there, and come before what is on disk. Raises Changed.
    """

    def __init__(self, memory: Mapping[Path, Source], disk: Mapping[Path, Source] | None = None) -> None:
        self.memory = memory
        self._disk = disk if disk is not None else {}
        self._open: OrderedDict[Path, Source] = OrderedDict()
        self._size = 0

    def with_(self, sources: Iterable[Source]) -> Shelf:
        """The same shelf with these sources in the place of what was there."""
        return Shelf({**self.memory, **{source.path: source for source in sources}}, self._disk)

    def __getitem__(self, path: Path) -> Source:
        found = self.memory.get(path) or self._open.get(path)
        if found is None:
            found = self._read(self._disk[path])
        return found

    def _read(self, bare: Source) -> Source:
        found = again(bare)
        if isinstance(found, Refusal):
            raise Changed(f"{found.path}: {found.reason}; run again")
        self._open[found.path] = found
        self._size += len(found.text)
        while self._size > _MOST and len(self._open) > 1:
            self._size -= len(self._open.popitem(last=False)[1].text)
        return found

    def __contains__(self, path: object) -> bool:
        return path in self.memory or path in self._disk

    def __iter__(self) -> Iterator[Path]:
        yield from self._disk
        yield from (path for path in self.memory if path not in self._disk)

    def __len__(self) -> int:
        return len(self._disk) + sum(path not in self._disk for path in self.memory)
