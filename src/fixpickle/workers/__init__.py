"""Many files at once, in processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORTH_A_POOL = 64  # below that, starting workers costs more than they save


def each(function: Callable[[Item], Result], items: Sequence[Item], jobs: int = 0) -> Iterator[Result]:
    """`function` of every item, in the order of the items, whatever the number of processes; 0: one to each core."""
    count = jobs or os.cpu_count() or 1
    if count == 1 or len(items) < _WORTH_A_POOL:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(count) as pool:
        yield from pool.map(function, items, chunksize=max(1, min(16, len(items) // (4 * count))))
