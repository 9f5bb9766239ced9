"""What only a process that is started can be handed: queues, pipes, events and shared memory of multiprocessing.

No process is started here. What holds such a thing is pickled as if one were being spawned.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import stat
from typing import Any, Iterator

_REFUSED = ("through inheritance", "AuthenticationString")


def only_as_it_starts(error: str) -> bool:
    """Whether that is what multiprocessing raises when something is pickled that is handed to a started process only.

    Source: `multiprocessing.context.assert_spawning`, `multiprocessing.process.AuthenticationString.__reduce__`.
    """
    return any(words in error for words in _REFUSED)


class Descriptor:
    """Stands for a file descriptor that a started process inherits: what loads it gets one of its own of that kind."""

    def __init__(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self.size = found.st_size if stat.S_ISREG(found.st_mode) else -1  # of shared memory; -1 for a pipe

    def detach(self) -> int:
        if self.size < 0:
            return os.open(os.devnull, os.O_RDWR)
        import tempfile  # it brings much along, `random` included, and is seldom needed

        with tempfile.TemporaryFile() as file:
            file.truncate(self.size)
            return os.dup(file.fileno())


class _Starting:
    """What `multiprocessing.reduction` asks of the process that is being started."""

    DupFd = Descriptor

    def duplicate_for_child(self, descriptor: int) -> int:
        return descriptor


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """As while a process is spawned, in this thread."""
    context: Any = importlib.import_module("multiprocessing.context")
    context.set_spawning_popen(_Starting())
    try:
        yield
    finally:
        context.set_spawning_popen(None)


def dumps(value: Any, protocol: int) -> bytes:
    """The pickle of a value as a started process is handed it, with semaphores of its own."""
    reduction: Any = importlib.import_module("multiprocessing.reduction")
    synchronize: Any = importlib.import_module("multiprocessing.synchronize")

    class Pickler(reduction.ForkingPickler):  # type: ignore[misc]
        def reducer_override(self, held: Any) -> Any:
            if isinstance(held, synchronize.SemLock):
                return _semaphore, (type(held), held._semlock.kind, held._semlock.maxvalue)
            return NotImplemented

    stream = io.BytesIO()
    Pickler(stream, protocol).dump(value)
    return stream.getvalue()


def _semaphore(kind: Any, semaphore: int, most: int) -> Any:
    """One of that kind. The name of the original would have to be kept from others until this process is done."""
    multiprocessing: Any = importlib.import_module("multiprocessing")
    made = kind.__new__(kind)
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else None)
    importlib.import_module("multiprocessing.synchronize").SemLock.__init__(made, semaphore, 1, most, ctx=context)
    return made
