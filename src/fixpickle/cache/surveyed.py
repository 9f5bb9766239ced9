"""The survey with a memory: a file that had this content once, under this name of a module, is not parsed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cache.codec import Damaged, dump, load
from fixpickle.cache.folder import Folder
from fixpickle.model import Refusal, Source
from fixpickle.survey import Facts, survey

_NOWHERE = Path()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the survey said of a file, without its place. `digest` stands for it: equal ones say the same."""

    said: Facts | Refusal
    digest: str


@dataclass(frozen=True, slots=True)
class _Entry:
    said: Facts | Refusal


def surveyed(source: Source, folder: Folder | None) -> Surveyed:
    """What :func:`~fixpickle.survey.survey` says of a source, from the folder where it is there, and kept there."""
    return kept(source, folder) or keep(source, survey(source), folder)


def kept(source: Source, folder: Folder | None) -> Surveyed | None:
    """What the folder holds of a source; None where that is nothing."""
    data = folder.get(_name(source)) if folder is not None else None
    try:
        return _as_of(source, load(_Entry, data).said, data) if data is not None else None
    except Damaged:
        return None


def keep(source: Source, said: Facts | Refusal, folder: Folder | None) -> Surveyed:
    """What the survey said of a source, put into the folder."""
    if folder is None:
        return Surveyed(said, "")
    data = dump(_Entry, _Entry(_placeless(said)))
    folder.put(_name(source), data)
    return Surveyed(said, _digest(data))


def _name(source: Source) -> str:
    """What the facts of a file come from: its bytes, and the names it and its package are imported by."""
    words = (source.digest, source.module, str(source.is_package), source.path.suffix if source.notebook else "")
    name = hashlib.blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{name[:2]}/{name[2:]}"


def _placeless(said: Facts | Refusal) -> Facts | Refusal:
    if isinstance(said, Refusal):
        return replace(said, path=_NOWHERE)
    return replace(said, path=_NOWHERE, root=_NOWHERE, digest="")


def _as_of(source: Source, said: Facts | Refusal, data: bytes) -> Surveyed:
    if isinstance(said, Refusal):
        return Surveyed(replace(said, path=source.path), _digest(data))
    found = replace(said, path=source.path, root=source.root, digest=source.digest)
    return Surveyed(found, _digest(data))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
