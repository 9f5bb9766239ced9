"""The facts of a large tree in little memory: what one file alone is asked for is packed until somebody asks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from fixpickle.cache.codec import dump_parts, load_parts
from fixpickle.model import Source
from fixpickle.survey import Facts

PACKED = ("definitions", "parameters", "attribute_flows", "instances", "mentions", "statements", "late_imports")
"""Six of seven bytes of the facts, of which few are of any use once the files are linked."""

_PLACE = ("path", "root", "digest")
_LIVE = tuple(one.name for one in fields(Facts) if one.name not in (*PACKED, *_PLACE))
_OPEN = 1024  # packed fields that are at hand: rules ask for them again and again while they look at a file


@dataclass(frozen=True, slots=True)
class Pack:
    """The facts of a file without its place, as bytes: what is asked for all over a project, and the rest by fields."""

    live: bytes
    packed: tuple[bytes, ...]
    script: bool


class Folded(Facts):
    """Facts of which the most is bytes. They say the same as the facts they were made of."""

    __slots__ = ("_packed", "_script")
    _packed: tuple[bytes, ...]
    _script: bool

    def __getattr__(self, name: str) -> Any:
        """Called for slots that are empty."""
        if name not in PACKED:
            raise AttributeError(name)
        packed = self._packed[PACKED.index(name)]
        return _opened(packed, name) if packed else ()

    @property
    def is_script(self) -> bool:
        return self._script


def fold(facts: Facts) -> Pack:
    """Packs the facts of a file."""
    parts = (dump_parts(Facts, facts, (name,)) if getattr(facts, name) else b"" for name in PACKED)
    packed = tuple(zlib.compress(part, 1) if part else b"" for part in parts)
    return Pack(dump_parts(Facts, facts, _LIVE), packed, facts.is_script)


def unfold(pack: Pack, source: Source) -> Facts:
    """The facts of a source that were packed."""
    facts = object.__new__(Folded)
    put = object.__setattr__
    for name, value in zip(_LIVE, load_parts(Facts, pack.live, _LIVE), strict=True):
        put(facts, name, value)
    for name in _PLACE:
        put(facts, name, getattr(source, name))
    put(facts, "_packed", pack.packed)
    put(facts, "_script", pack.script)
    return facts


@lru_cache(_OPEN)
def _opened(packed: bytes, name: str) -> Any:
    (value,) = load_parts(Facts, zlib.decompress(packed), (name,))
    return value
