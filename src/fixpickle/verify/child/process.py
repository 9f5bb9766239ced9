"""The process of a child: it answers line by line, stays within its limits, and dies with its parent."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from typing import Any

_open = io.open
_ME = os.getpid()


class Answers:
    """Appends to the answer file by path: user code may have closed every descriptor there was."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, **line: Any) -> None:
        if os.getpid() != _ME:
            os._exit(0)  # user code forked: the copy must not answer in our name
        with _open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


def confine(parent: int, megabytes: int) -> None:
    """Die with the parent, and stay within the memory limit, where the platform knows how."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG
        if os.getppid() == 1 != parent:
            os._exit(0)  # the parent was gone before it could be asked for
    with contextlib.suppress(Exception):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource, resource.RLIMIT_FSIZE, 1 << 30)
        if megabytes > 0:
            _lower(resource, resource.RLIMIT_AS, megabytes << 20)


def _lower(resource: Any, limit: int, wanted: int) -> None:
    _soft, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(limit, (wanted, hard))
