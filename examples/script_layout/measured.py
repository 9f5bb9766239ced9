"""Keeps what it measured for another program, `plotted.py`."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
HERE = Path(__file__).parent


@dataclass
class Series(Generic[T]):
    values: list[T] = field(default_factory=list)

    def __iter__(self) -> Iterator[T]:
        return iter(self.values[:LIMIT])


LIMIT = 3

with (HERE / "series.pickle").open("wb") as file:
    pickle.dump(Series([3, 1, 4, 1, 5]), file)
print("measured", list(Series([1])), "with", len(sys.argv) - 1, "arguments")
