"""What every fact is."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct, structs

_Value = TypeVar("_Value", bound=Struct)


class Fact(Struct, frozen=True, array_like=True, gc=False):
    """One thing that is known of a file: compared by value, never changed, and written as the list of its fields.

    There are hundreds of thousands in a run: they are made and read back by C code. They hold no cycles, so the
    collector of cycles does not look at them.
    """


def changed(value: _Value, **fields: Any) -> _Value:
    """The fact, or the span, with other values in these fields. Raises TypeError for a field that it does not have."""
    return structs.replace(value, **fields)
