"""Start to record, in this process and in those that it starts."""

from __future__ import annotations

import atexit
import os
import sys
from _thread import RLock

from . import watch
from .log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_HELD: List[bool] = []


def install(folder: str) -> None:
    """Record into `folder` from here on."""
    log.folder = folder
    if os.environ.get("FIXPICKLE_TRACE_ALLOCATIONS"):
        import tracemalloc

        tracemalloc.start(12)
    log.open()
    watch.install()
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)


def _loaded(name: str) -> Any:
    """A file of ours, None where nothing has needed it yet."""
    return sys.modules.get("%s.%s" % (__package__, name))


def _at_exit() -> None:
    payloads = _loaded("payloads")
    if payloads is not None:
        payloads.flush()


def _before_fork() -> None:
    # Not for ever: what is looked into may itself wait for the thread that forks.
    _HELD.append(log.importing.acquire(timeout=5.0))


def _after_fork_in_parent() -> None:
    if _HELD.pop():
        log.importing.release()


def _after_fork() -> None:
    log.importing = RLock()
    _HELD.clear()
    for name in ("payloads", "failures"):
        module = _loaded(name)
        if module is not None:
            module.after_fork()
