"""The workers that a run was asked to use."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from fixpickle.model import Settings, Workers
from fixpickle.workers import Executor, Lost, Pool

_PATIENCE = 10  # seconds


@contextlib.contextmanager
def working(settings: Settings) -> Iterator[Executor]:
    """Workers for as long as they are needed. Raises Lost where there are none to be had."""
    if settings.executor is Workers.PROCESSES:
        yield Pool(settings.jobs)
        return
    try:
        from fixpickle.workers.cluster import Cluster
    except ImportError:
        raise Lost("--executor ray needs Ray, which is not installed here: pip install 'fixpickle[ray]'") from None
    try:
        _knock(settings.address)
        cluster = Cluster(settings.address)
    except (OSError, ValueError, RuntimeError) as error:
        raise Lost(f"no Ray cluster answers at {settings.address or 'RAY_ADDRESS'}: {error}") from None
    try:
        yield cluster
    finally:
        cluster.close()


def _knock(address: str) -> None:
    """Raises OSError where nobody listens at HOST:PORT. Ray itself asks again for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE).close()
