"""Many files at once: in processes of this machine here, on a Ray cluster in :mod:`fixpickle.workers.cluster`."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")
Result = TypeVar("Result")

TOGETHER = 16  # items that go to a worker at once: each going costs some milliseconds
_GOINGS = 4  # for fewer, starting workers costs more than they save
_READ = 32_000  # characters of texts that go to a worker at once, where these are formatted: a second of work


class Lost(Exception):
    """Workers that died, again and again, on the same items. `args` is one sentence for the person who started them."""


class Executor(Protocol):
    """Where work is done that is the same for many items."""

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, together: int = TOGETHER
    ) -> Generator[Result, None, None]:
        """`function` of every item, in the order of the items, wherever and whenever each was done. Raises Lost.

        At most so many go `together`. Work that is under way when it is closed is given up.
        """
        ...


@runtime_checkable
class Remote(Executor, Protocol):
    """Workers on other machines, who have none of the files of this one."""

    def share(self, data: bytes) -> Callable[[], bytes]:
        """What gives these bytes to whoever works for them. They travel once to a machine, whoever shares them."""
        ...


def each_of(
    executor: Executor | None,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    together: int = TOGETHER,
) -> Iterator[Result]:
    """`function` of every item, in their order: by the executor where there is one and enough for it to do."""
    if executor is None or len(items) < _GOINGS * together:
        yield from map(function, items)
        return
    with contextlib.closing(executor.each(function, items, together=together)) as results:
        yield from results


def at_once(texts: Sequence[str]) -> int:
    """How many of these texts go to a worker together where what is done with them costs much: few that are long."""
    return max(1, min(TOGETHER, _READ * len(texts) // max(1, sum(map(len, texts)))))


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes of this machine; `jobs` says how many, 0 one to each core."""

    jobs: int = 0

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, together: int = TOGETHER
    ) -> Generator[Result, None, None]:
        """In this process where there is one core, one job, or little to do."""
        items = list(items)
        count = self.jobs or os.cpu_count() or 1
        if count == 1 or len(items) < _GOINGS * together:
            yield from map(function, items)
            return
        with ProcessPoolExecutor(count, initializer=_deaf) as pool:
            try:
                with _uninterrupted():
                    results = pool.map(function, items, chunksize=max(1, min(together, len(items) // (4 * count))))
                yield from results
            except BaseException:
                # Nobody waits for the rest. Workers end with the few items they have: one that is killed while it
                # writes a result would leave this process waiting for the end of that.
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _deaf() -> None:
    """Ctrl-C reaches workers as well, and who started them says what there is to say, and ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the workers are started: before they are deaf to it, they would say where they were."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
