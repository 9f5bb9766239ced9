"""The facts of a large tree in little memory: what one file alone is asked for is packed until somebody asks."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import OrderedDict
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from fixpickle.cache.attic import Attic
from fixpickle.cache.codec import Damaged, dump_parts, load_parts
from fixpickle.model import Source
from fixpickle.survey.facts import Facts

PACKED = (
    "definitions",
    "parameters",
    "attribute_flows",
    "instances",
    "mentions",
    "statements",
    "late_imports",
    "aliases",
    "returned",
    "exceptions",
    "raised",
    "bound_calls",
    "handed_on",
    "decorators",
    "reached",
    "taken",
    "short_lived",
    "handovers",
    "told_apart",
    "pools",
)
"""Most of the facts, of which few are of any use once the files are linked."""

_AT = {name: number for number, name in enumerate(PACKED)}
_EMPTY = {one.name: frozenset() if str(one.type).startswith("frozenset") else () for one in fields(Facts)}
_PLACE = ("path", "root", "digest")
_LIVE = tuple(one.name for one in fields(Facts) if one.name not in (*PACKED, *_PLACE))
_NUMBERS = tuple(range(1 << 14))  # most lines and columns, and the places of most imports
_OPEN = 32  # packed fields that are at hand: rules ask for them again and again while they look at a file


@dataclass(frozen=True, slots=True)
class Pack:
    """The facts of a file without its place, as bytes: what is asked for all over a project, and the rest by fields.

    Each field of `packed` ends where `ends` says.
    """

    live: bytes
    packed: bytes
    ends: tuple[int, ...]
    script: bool


class Packs:
    """The packed fields of a run's files, out of memory but for those that were asked for last."""

    def __init__(self) -> None:
        self._attic = Attic()
        self._open: OrderedDict[int, Any] = OrderedDict()
        self._sets: dict[frozenset[Any], frozenset[Any]] = {}

    def put(self, packed: bytes) -> int:
        """Where the fields are from now on."""
        return self._attic.put(packed)

    def shared(self, value: Any) -> Any:
        """The value, made of words, numbers and sets that other facts have too: files have most of them in common."""
        kind = type(value)
        if kind is str:
            return sys.intern(value)
        if kind is int:
            return _NUMBERS[value] if 0 <= value < len(_NUMBERS) else value
        if kind is tuple:
            return tuple([self.shared(one) for one in value]) if value else ()
        if kind is frozenset:
            return self._sets.get(value) or self._kept(frozenset(map(self.shared, value)))
        if isinstance(value, Struct):
            return kind(*[self.shared(one) for one in astuple(value)])
        return value

    def _kept(self, value: frozenset[Any]) -> frozenset[Any]:
        """A set of shared words, also as its own key: what was read would stay in memory as one, with all its words."""
        return self._sets.setdefault(value, value)

    def field(self, place: int, ends: array[int], name: str) -> Any:
        """A field of the file that is in that place. Raises Damaged."""
        number = _AT[name]
        start, end = ends[number - 1] if number else 0, ends[number]
        if start == end:
            return _EMPTY[name]
        key = place + start
        found = self._open.get(key)
        if found is None:
            (found,) = load_parts(Facts, _decompressed(self._attic.get(key, end - start)), (name,))
            self._open[key] = found
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(key)
        return found


class Folded(Facts):
    """Facts of which the most is packed. They say the same as the facts they were made of."""

    __slots__ = ("_ends", "_packs", "_place", "_script")
    _packs: Packs
    _place: int
    _ends: array[int]
    _script: bool

    def __getattr__(self, name: str) -> Any:
        """Called for slots that are empty."""
        if name not in _AT:
            raise AttributeError(name)
        return self._packs.field(self._place, self._ends, name)

    @property
    def is_script(self) -> bool:
        return self._script


def _decompressed(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise Damaged(str(error)) from None


def fold(facts: Facts) -> Pack:
    """Packs the facts of a file."""
    parts = (dump_parts(facts, (name,)) if getattr(facts, name) else b"" for name in PACKED)
    packed = [zlib.compress(part, 1) if part else b"" for part in parts]
    ends = tuple(accumulate(map(len, packed)))
    return Pack(dump_parts(facts, _LIVE), b"".join(packed), ends, facts.is_script)


def unfold(pack: Pack, source: Source, packs: Packs) -> Facts:
    """The facts of a source that were packed; what is packed of them is `packs`' from now on. Raises Damaged."""
    facts = object.__new__(Folded)
    put = object.__setattr__
    for name, value in zip(_LIVE, load_parts(Facts, pack.live, _LIVE), strict=True):
        put(facts, name, packs.shared(value))
    for name in _PLACE:
        put(facts, name, getattr(source, name))
    put(facts, "_packs", packs)
    put(facts, "_place", packs.put(pack.packed))
    put(facts, "_ends", array("I", pack.ends))
    put(facts, "_script", pack.script)
    return facts
