"""Work that makes many objects and no cycles of them, for which the collector of cycles looks in vain."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles, here and in processes that are started meanwhile.

    A syntax tree is a hundred thousand new objects, the facts of a large project are millions; whenever a quarter of
    them is new it would go through all. They hold no cycles: they are gone with their last reference.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
