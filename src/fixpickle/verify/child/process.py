"""The process of a child: it answers line by line, stays within its limits, and dies with its parent."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from typing import Any, Dict, Iterator

from .shared import Appended

_open = io.open
_sleep = time.sleep
_ME = os.getpid()

# Of Linux. `signal` and `socket` make many Enums of such numbers.
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
_NO_MEMORY = ("failed to map segment from shared object", "Cannot allocate memory")


class Answers:
    """Writes one line of JSON per step."""

    def __init__(self) -> None:
        self.file = Appended("")
        self.held = b""

    def begin(self, path: str) -> None:
        self.file.close()
        self.file = Appended(path)

    def hold(self, **line: Any) -> None:
        """A line that is written together with the next one: no user code may run before that."""
        self.held += json.dumps(line).encode() + b"\n"

    def write(self, **line: Any) -> None:
        if os.getpid() != _ME:
            os._exit(0)  # user code forked: the copy must not answer in our name
        self.hold(**line)
        held, self.held = self.held, b""
        self.file.write(held)


def requests(folder: str, answers: Answers) -> Iterator[Dict[str, Any]]:
    """The requests as they come into the folder: 0.json, 1.json and so on, each answered in a file of its own.

    Ends where a file `stop` is there and no request, or where the parent is gone.
    """
    parent, number, pause = os.getppid(), 0, 0.001
    while os.getppid() == parent:
        path = os.path.join(folder, "%d.json" % number)
        if os.path.exists(path):
            answers.begin(path + "l")
            with _open(path, encoding="utf-8") as file:
                yield json.load(file)
            answers.write(idle=True)
            ring(os.path.join(folder, "bell"))
            number, pause = number + 1, 0.001
        elif os.path.exists(os.path.join(folder, "stop")):
            return
        elif not heard(os.path.join(folder, "knocker")):
            _sleep(pause)
            pause = min(pause * 1.5, 0.02)


def ring(bell: str) -> None:
    """Wakes who waits for the end of a request, where the system has named pipes."""
    with contextlib.suppress(OSError, AttributeError):
        pipe = os.open(bell, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, b".")
        finally:
            os.close(pipe)


def heard(knocker: str) -> bool:
    """Sleeps until whoever asks knocks or is gone. False, at once, where the system has no such pipe."""
    try:
        # Opened anew each time: user code may have closed it, and opened something else in its place.
        pipe = os.open(knocker, os.O_RDONLY | os.O_NONBLOCK)
        try:
            os.set_blocking(pipe, True)
            return bool(os.read(pipe, 1 << 16))
        finally:
            os.close(pipe)
    except (OSError, AttributeError):
        return False


def confine(parent: int, megabytes: int, processes: int, network: bool) -> str:
    """Die with the parent, stay within the limits, and lose the network, where the platform knows how.

    Gives a sentence for the user about what it does not know; empty where all is well.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() == 1 != parent:
            os._exit(0)  # the parent was gone before it could be asked for
    wrong = "" if network else unplug()
    with contextlib.suppress(Exception):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource, resource.RLIMIT_FSIZE, 1 << 30)
        if processes > 0 and os.getuid() != 0:  # what root has is not counted; the parent counts it
            _lower(resource, resource.RLIMIT_NPROC, processes)
        if megabytes > 0:
            _lower(resource, resource.RLIMIT_AS, megabytes << 20)
    return "the code that was proved could reach the network: %s" % wrong if wrong else ""


def limit_met(said: str) -> str:
    """What to add to an error that says, in Python's words or the loader's of shared libraries, that memory ran out."""
    if not said.startswith("MemoryError") and not any(words in said for words in _NO_MEMORY):
        return ""
    with contextlib.suppress(Exception):
        import resource

        soft, _hard = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            return ", to which `memory-limit` gives %d MB" % (soft >> 20)
    return ""


def _lower(resource: Any, limit: int, wanted: int) -> None:
    _soft, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(limit, (wanted, hard))


def unplug() -> str:
    """Leaves this process and all that it starts with a loopback device and no other; why not, where that fails.

    Who is no administrator needs a user namespace for it, in which everybody is who they were. An administrator does
    not get one: in it, files of other users could no longer be read.
    """
    if not sys.platform.startswith("linux"):
        return "only Linux can cut it off"
    try:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.geteuid(), os.getegid()
        flags = _CLONE_NEWNET if user == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
        if libc.unshare(flags) != 0:
            return "this system does not allow to cut it off (%s)" % os.strerror(ctypes.get_errno())
        if user != 0:
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", "%d %d 1" % (user, user)),
                (
                    "gid_map",
                    "%d %d 1" % (group, group),
                ),
            ):
                with _open("/proc/self/" + name, "w") as file:
                    file.write(text)
        _loopback()
    except Exception as error:
        return "cutting it off failed (%s)" % error
    return ""


def _loopback() -> None:
    """A network namespace begins with its loopback device down, and worker processes talk over it."""
    import _socket
    import fcntl
    import struct

    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)  # `socket` brings much along
    try:
        request = struct.pack("16sh14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
    finally:
        any_socket.close()
