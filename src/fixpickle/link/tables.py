"""Tables over the facts of all files, by what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from fixpickle.survey.facts import Facts

Value = TypeVar("Value")


def gathered(pairs: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    """The values by their keys, in the order they come in."""
    table: dict[str, list[Value]] = {}
    for key, value in pairs:
        table.setdefault(key, []).append(value)
    return table


def noted(table: dict[str, list[Facts]], key: str, facts: Facts) -> None:
    """Notes under a key the file that is gone through, once."""
    files = table.setdefault(key, [])
    if not files or files[-1] is not facts:
        files.append(facts)
