"""Values of the model and the facts <-> bytes that hold data alone: reading them runs nothing, whoever wrote them.

The bytes are JSON. A value is written as its type says, and without its names: a dataclass as the list of its fields,
a string as its place in a table that comes first. So they can be read only as the type they were written as.
"""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
Write = Callable[[Any, dict[str, int]], object]
Read = Callable[[Any, list[str]], Any]
_NONE = frozenset[Any]()  # each new one that is empty would take as much room as four texts
_WRITERS: dict[Any, Write] = {}
_READERS: dict[Any, Read] = {}


class Damaged(ValueError):
    """The bytes are not what :func:`dump` makes of a value of that type."""


def dump(kind: type[Value], value: Value) -> bytes:
    """A value of that type as bytes; equal values give equal ones. Raises TypeError where a type is not known here."""
    table: dict[str, int] = {}
    body = _writer(kind)(value, table)
    return json.dumps([list(table), body], separators=(",", ":")).encode("ascii")


def load(kind: type[Value], data: bytes) -> Value:
    """What :func:`dump` was given. Raises Damaged."""
    try:
        table, body = _parsed(data)
        found: Value = _reader(kind)(body, table)
    except Damaged:
        raise
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise Damaged(str(error)) from None
    return found


def _parsed(data: bytes) -> tuple[list[str], Any]:
    table, body = json.loads(data)
    if not all(isinstance(text, str) for text in table):
        raise Damaged("its table holds more than strings")
    return [*map(sys.intern, table)], body  # files of one project have most words in common


def dump_parts(kind: Any, value: object, names: Sequence[str]) -> bytes:
    """Some fields of a dataclass as bytes."""
    table: dict[str, int] = {}
    hints = _hints(kind)
    body = [_writer(hints[name])(getattr(value, name), table) for name in names]
    return json.dumps([list(table), body], separators=(",", ":")).encode("ascii")


def load_parts(kind: Any, data: bytes, names: Sequence[str]) -> list[Any]:
    """The fields that :func:`dump_parts` was given."""
    table, body = _parsed(data)
    hints = _hints(kind)
    return [_reader(hints[name])(part, table) for name, part in zip(names, body, strict=True)]


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)


# --- writing --------------------------------------------------------------------------------------------------------


def _text(value: str, table: dict[str, int]) -> int:
    return table.setdefault(value, len(table))


def _plain(value: object, _table: dict[str, int]) -> object:
    return value


def _writer(kind: Any) -> Write:
    """How a value of the type is written. Types that hold themselves are looked up when they are met."""
    known = _WRITERS.get(kind)
    if known is None:
        known = _WRITERS[kind] = _make_writer(kind)
    return known


def _make_writer(kind: Any) -> Write:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (int, float, bool):
        return _plain
    if kind is str:
        return _text
    if kind is Path:
        return lambda value, table: _text(str(value), table)
    if origin in (typing.Union, types.UnionType):
        return _union_writer(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return _tuple_writer(arguments[0])
    if origin is tuple:
        return lambda value, table: [_writer(k)(one, table) for k, one in zip(arguments, value, strict=True)]
    if origin is frozenset:
        return lambda value, table: [_writer(arguments[0])(one, table) for one in sorted(value)]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        pairs = tuple[arguments[0], arguments[1]]  # type: ignore[valid-type]
        return lambda value, table: [_writer(pairs)(pair, table) for pair in sorted(value.items())]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value, table: _text(value.value, table)
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    raise TypeError(f"no form is known for {kind}")


def _tuple_writer(kind: Any) -> Write:
    made: list[Write] = []

    def write(value: Any, table: dict[str, int]) -> object:
        if not value:
            return ()
        if not made:
            made.append(_writer(kind))  # not before: a type may hold itself
        one = made[0]
        return [one(part, table) for part in value]

    return write


def _union_writer(members: tuple[Any, ...]) -> Write:
    kinds = [kind for kind in members if kind is not type(None)]
    if len(kinds) == 1:
        return lambda value, table: None if value is None else _writer(kinds[0])(value, table)
    places = {kind: place for place, kind in enumerate(kinds)}

    def write(value: object, table: dict[str, int]) -> object:
        return [places[type(value)], _writer(type(value))(value, table)] if value is not None else None

    return write


def _dataclass_writer(kind: Any) -> Write:
    names = [one.name for one in fields(kind)]
    of = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    writers: list[Write] = []

    def write(value: object, table: dict[str, int]) -> object:
        if not writers:
            hints = _hints(kind)
            writers.extend(_writer(hints[name]) for name in names)
        # Texts and numbers are nearly all there is: a call for each would be half of the time.
        return [
            part if one is _plain else table.setdefault(part, len(table)) if one is _text else one(part, table)
            for one, part in zip(writers, of(value), strict=True)
        ]

    return write


# --- reading --------------------------------------------------------------------------------------------------------


_COMMON = tuple(range(1 << 14))  # most lines and columns, and the places of most imports: one number for all files


def _text_read(body: Any, table: list[str]) -> str:
    text: str = table[body]
    return text


def _plain_reader(kind: type) -> Read:
    def read(body: Any, _table: list[str]) -> Any:
        if type(body) is not kind:
            raise Damaged(f"{body!r} is no {kind.__name__}")
        return body

    return read


def _number_read(body: Any, _table: list[str]) -> int:
    if type(body) is not int:
        raise Damaged(f"{body!r} is no int")
    return _COMMON[body] if 0 <= body < len(_COMMON) else body


def _reader(kind: Any) -> Read:
    known = _READERS.get(kind)
    if known is None:
        known = _READERS[kind] = _make_reader(kind)
    return known


def _make_reader(kind: Any) -> Read:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is int:
        return _number_read
    if kind in (float, bool):
        return _plain_reader(kind)
    if kind is str:
        return _text_read
    if kind is Path:
        return lambda body, table: Path(table[body])
    if origin in (typing.Union, types.UnionType):
        return _union_reader(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return _late(arguments[0], lambda read: lambda body, table: tuple([read(one, table) for one in body]))
    if origin is tuple:
        return lambda body, table: tuple(_reader(k)(one, table) for k, one in zip(arguments, body, strict=True))
    if origin is frozenset:
        return _late(
            arguments[0], lambda read: lambda body, table: frozenset([read(one, table) for one in body]), _NONE
        )
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, value = map(_reader, arguments)
        return lambda body, table: {key(k, table): value(v, table) for k, v in body}
    if isinstance(kind, type) and issubclass(kind, Enum):
        members = {member.value: member for member in kind}
        return lambda body, table: members[table[body]]
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    raise TypeError(f"no form is known for {kind}")


def _set_reader(read: Read) -> Read:
    """Reads sets; of two alike in a row, such as the members and the methods of a class, the first is both."""
    last: tuple[Any, Any, frozenset[Any]] = (None, None, _NONE)

    def made(body: Any, table: list[str]) -> Any:
        nonlocal last
        if last[0] != body or last[1] is not table:
            last = (body, table, frozenset([read(one, table) for one in body]))
        return last[2]

    return made


def _late(kind: Any, make: Callable[[Read], Read], empty: object = ()) -> Read:
    """A reader made when it is first used: a type may hold itself. All that is `empty` is one."""
    made: list[Read] = []

    def read(body: Any, table: list[str]) -> Any:
        if not body:
            return empty
        if not made:
            made.append(make(_reader(kind)))
        return made[0](body, table)

    return read


def _union_reader(members: tuple[Any, ...]) -> Read:
    kinds = [kind for kind in members if kind is not type(None)]
    if len(kinds) == 1:
        only = _reader(kinds[0])
        return lambda body, table: None if body is None else only(body, table)

    def read(body: Any, table: list[str]) -> Any:
        return None if body is None else _reader(kinds[body[0]])(body[1], table)

    return read


def _dataclass_reader(kind: Any) -> Read:
    hints = _hints(kind)
    readers = [_reader(hints[one.name]) for one in fields(kind)]

    def read(body: Any, table: list[str]) -> Any:
        parts = zip(readers, body, strict=True)
        return kind(*[table[part] if one is _text_read else one(part, table) for one, part in parts])

    return read
