"""RunReport -> text: for people, for programs, and as a patch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from fixpickle.model import Finding, Fixed, Left, Span, TakenBack

T = TypeVar("T", Fixed, TakenBack, Left)


def in_order(items: Iterable[T]) -> list[T]:
    """By path, place and rule: a run comes upon things in rounds, and a reader does not."""
    return sorted(items, key=lambda item: _position(item.finding if isinstance(item, Left) else item.patch.finding))


def _position(finding: Finding) -> tuple[Path, Span, str]:
    return finding.path, finding.span, finding.rule
