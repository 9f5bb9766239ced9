"""How names are written in reasons and messages."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
    """`a`, `b`."""
    return ", ".join(f"`{n}`" for n in names)
