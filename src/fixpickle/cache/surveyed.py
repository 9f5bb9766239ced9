"""The survey with a memory: a file that had this content once, under this name of a module, is not parsed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cache.codec import Damaged, dump, load
from fixpickle.cache.folded import PACKED, Pack, fold
from fixpickle.cache.folder import Folder
from fixpickle.model import Refusal, Source
from fixpickle.survey import Facts, survey

_NOWHERE = Path()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the survey said of a file, without its place. `digest` stands for it: equal ones say the same."""

    said: Pack | Refusal
    digest: str


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line of an entry: a refusal, or how what follows is to be cut into a :class:`Pack`."""

    refusal: Refusal | None
    script: bool = False
    live: int = 0
    ends: tuple[int, ...] = ()


def surveyed(source: Source, folder: Folder | None) -> Surveyed:
    """What :func:`~fixpickle.survey.survey` says of a source, from the folder where it is there, and kept there."""
    return kept(source, folder) or keep(source, survey(source), folder)


def kept(source: Source, folder: Folder | None) -> Surveyed | None:
    """What the folder holds of a source; None where that is nothing."""
    data = folder.get(_name(source)) if folder is not None else None
    try:
        return Surveyed(_read(source, data), _digest(data)) if data is not None else None
    except Damaged:
        return None


def keep(source: Source, said: Facts | Refusal, folder: Folder | None) -> Surveyed:
    """What the survey said of a source, put into the folder."""
    shown = said if isinstance(said, Refusal) else fold(said)
    if folder is None:
        return Surveyed(shown, "")
    data = _written(shown)
    folder.put(_name(source), data)
    return Surveyed(shown, _digest(data))


def _name(source: Source) -> str:
    """What the facts of a file come from: its bytes, and the names it and its package are imported by."""
    words = (source.digest, source.module, str(source.is_package), source.path.suffix if source.notebook else "")
    name = hashlib.blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{name[:2]}/{name[2:]}"


def _written(said: Pack | Refusal) -> bytes:
    if isinstance(said, Refusal):
        return dump(_Head(replace(said, path=_NOWHERE))) + b"\n"
    head = _Head(None, said.script, len(said.live), said.ends)
    return b"".join((dump(head), b"\n", said.live, said.packed))


def _read(source: Source, data: bytes) -> Pack | Refusal:
    """What :func:`_written` was given. Raises Damaged."""
    first, _, rest = data.partition(b"\n")
    head = load(_Head, first)
    if head.refusal is not None:
        return replace(head.refusal, path=source.path)
    ordered = list(head.ends) == sorted(head.ends) and min(head.live, *head.ends, 0) == 0
    if not ordered or len(head.ends) != len(PACKED) or len(rest) != head.live + head.ends[-1]:
        raise Damaged("its parts are not as long as it says")
    return Pack(rest[: head.live], rest[head.live :], head.ends, head.script)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
