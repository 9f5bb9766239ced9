"""The processes that a proof has started, found by a mark in their environment where /proc shows it.

A process group is left by whoever calls `setsid`, and the parent of a process is forgotten once it ends. The
environment that a process was started with stays.
"""

from __future__ import annotations

import contextlib
import os
import signal

_PROC = "/proc"
_ROUNDS = 20  # what is killed may have started another process meanwhile


def members(mark: str) -> list[int]:
    """The ids of the living processes with the mark, or with it and more after a dot. None on systems without /proc."""
    wanted = f"FIXPICKLE_PROOF_RUN={mark}".encode()
    found = []
    for entry in _entries():
        with contextlib.suppress(OSError):  # of another user, or gone meanwhile
            with open(f"{_PROC}/{entry}/environ", "rb") as file:
                environment = file.read()
            if wanted not in environment:
                continue
            if any(one == wanted or one.startswith(wanted + b".") for one in environment.split(b"\0")):
                found.append(int(entry))
    return found


def kill_all(mark: str) -> None:
    """Ends every process with the mark."""
    for _ in range(_ROUNDS):
        living = members(mark)
        if not living:
            return
        for pid in living:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def tasks_of_user() -> int:
    """How many processes and threads this user has: what RLIMIT_NPROC counts. 0 where that cannot be told."""
    count = 0
    for entry in _entries():
        with contextlib.suppress(OSError):
            if os.stat(f"{_PROC}/{entry}").st_uid == os.getuid():
                count += len(os.listdir(f"{_PROC}/{entry}/task"))
    return count


def _entries() -> list[str]:
    try:
        return [entry for entry in os.listdir(_PROC) if entry.isdigit()]
    except OSError:
        return []
