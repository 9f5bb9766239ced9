"""Many files at once, on a Ray cluster. Items travel whole: workers need no disk in common, and no fixpickle."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import ray

import fixpickle
from fixpickle.workers import TOGETHER, Lost

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # tasks to each core that are under way, or done and not yet asked for
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """Bytes in Ray's store, where they stay while somebody has this."""

    reference: Any

    def __call__(self) -> bytes:
        """The bytes, on whatever machine of the cluster."""
        found: bytes = ray.get(self.reference)
        return found


class Cluster:
    """A cluster, by its address; without one, the cluster that RAY_ADDRESS names, or a new one on this machine.

    Tasks run again where a worker or a machine is lost. At most a few to each core are under way, so that neither
    items nor results pile up, however many there are.
    """

    def __init__(self, address: str = "") -> None:
        self._own = not ray.is_initialized()
        if self._own:
            # By default, a worker finds the package where its machine has it, if it does.
            package = str(Path(fixpickle.__file__).parent)
            ray.init(
                address or None,
                runtime_env={"py_modules": [package]},
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=None if address else False,
            )
        self._shared: dict[bytes, Shared] = {}
        self._task: Any = ray.remote(_all_of).options(max_retries=_TRIES, num_cpus=1)

    def share(self, data: bytes) -> Shared:
        """As :class:`~fixpickle.workers.Remote` has it, until this is closed. Raises Lost where there is no room."""
        mark = hashlib.sha256(data).digest()
        if mark not in self._shared:
            try:
                self._shared[mark] = Shared(ray.put(data))
            except (ray.exceptions.RayError, OSError) as error:
                reason = str(error).strip().splitlines()[0]
                raise Lost(f"Ray has no room for what workers have to be sent: {reason}") from error
        return self._shared[mark]

    def close(self) -> None:
        """Frees what was shared, and leaves the cluster if it was joined here."""
        self._shared.clear()
        if self._own:
            ray.shutdown()

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, together: int = TOGETHER
    ) -> Generator[Result, None, None]:
        """As :class:`~fixpickle.workers.Executor` has it. `items` are asked for as they are sent.

        What is bound to the function travels once to a machine, and not with each task.
        """
        todo = iter(items)
        sent = ray.put(function)
        running: deque[Any] = deque()
        ahead = _AHEAD * max(1, _cores())
        while True:
            while len(running) < ahead and (some := list(itertools.islice(todo, together))):
                running.append(self._task.remote(sent, some))
            if not running:
                return
            try:
                yield from ray.get(running.popleft())
            except ray.exceptions.RayTaskError as error:
                if (lacking := _lacking(error)) is None:
                    raise
                raise Lost(f"a worker of the cluster cannot do its work: {lacking}") from error
            except ray.exceptions.GetTimeoutError:
                raise
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[0]
                raise Lost(f"the cluster lost a task {_TRIES + 1} times: {reason}") from error


def _cores() -> int:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call, unused-ignore]  # typed or not, as ray is there or not
    return int(resources.get("CPU", 1))


def _lacking(error: ray.exceptions.RayTaskError) -> str | None:
    """What the worker of a failed task has not got, disk space or a module; None where it is the work that failed."""
    cause = error.cause
    if isinstance(cause, ray.exceptions.RaySystemError):  # the work could not even be unpacked
        cause = cause.client_exc
    if isinstance(cause, ImportError):
        return f"{cause}; install there what is installed here"
    if isinstance(cause, ray.exceptions.ObjectLostError):  # something that was shared
        return str(cause).strip().splitlines()[0]
    return f"{cause}; see to its disk and its limits" if isinstance(cause, OSError) else None


def _all_of(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [function(item) for item in items]
