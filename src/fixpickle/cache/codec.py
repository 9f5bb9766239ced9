"""Values of the model and the facts <-> bytes that hold data alone: reading them runs nothing, whoever wrote them.

The bytes are JSON. Facts are written without the names of their fields, so they can be read only as the type they were
written as.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Hashable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")


class Damaged(ValueError):
    """The bytes are not what :func:`dump` makes of a value of that type."""


def dump(value: object) -> bytes:
    """A value as one line of bytes; equal values give equal ones. Raises TypeError where a type is not known here."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair, as in the path of a file whose name is no text
        plain = msgspec.to_builtins(value, enc_hook=_plain, order="deterministic")
        return json.dumps(plain, separators=(",", ":")).encode("ascii")


def load(kind: type[Value], data: bytes) -> Value:
    """What :func:`dump` was given. Raises Damaged."""
    try:
        found: Value = _decoder(kind).decode(data)  # type: ignore[arg-type]  # mypy takes no type[T] for hashable
    except msgspec.DecodeError as error:
        return _loaded_slowly(kind, data, error)
    except RecursionError as error:
        raise Damaged(str(error)) from None
    return found


def dump_parts(value: object, names: Sequence[str]) -> bytes:
    """Some fields of a value as bytes."""
    return dump(tuple([getattr(value, name) for name in names]))


def load_parts(kind: type, data: bytes, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The fields that :func:`dump_parts` was given."""
    return load(_parts(kind, names), data)


def _loaded_slowly(kind: type[Value], data: bytes, cause: msgspec.DecodeError) -> Value:
    """What holds half of a surrogate pair, which no fast reader takes; all else is damaged."""
    if b"\\ud" not in data:
        raise Damaged(str(cause)) from None
    try:
        return msgspec.convert(json.loads(data), kind, dec_hook=_made)
    except (ValueError, RecursionError) as error:
        raise Damaged(str(error)) from None


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no form is known for {type(value)}")


def _made(kind: type, value: Any) -> object:
    return kind(value) if issubclass(kind, Path) else value


_ENCODER = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(typing.cast("type[Any]", kind), dec_hook=_made)


@cache
def _parts(kind: Hashable, names: tuple[str, ...]) -> Any:
    hints = typing.get_type_hints(kind)
    return tuple[tuple(hints[name] for name in names)]  # type: ignore[misc]  # a type that is made while it runs
