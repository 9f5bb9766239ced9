"""Locks that exclude other processes of the same user on the same host, through a file.

Copied by fixpickle, which put `file_lock()` where `threading.Lock()` stood, and `file_rlock()` where
`threading.RLock()` did. It needs the package filelock, 3.12 or later, when a lock is first acquired, and the standard
library (CPython 3.8 to 3.14). MIT license; edit it as you like.

Pickled, or copied by `copy`, a lock is the same lock everywhere: it names a file. A process that ends, however it ends,
gives back what it held. The files are empty, lie in the folder `fixpickle-<user>` of the temporary directory and stay
there: to delete one that somebody waits for would split the waiters.

It costs about a hundred times what a lock of one process costs, and whoever waits for another process looks every
10 ms. Other hosts are not excluded, nor other users.
"""

from __future__ import annotations

import getpass
import os
import re
import tempfile
import threading
import time
import uuid
import weakref
from typing import TYPE_CHECKING, Any, Optional

__all__ = ["file_lock", "file_rlock"]

_POLL = 0.01  # seconds between two looks at a file that another process has locked


def _path(name: Optional[str]) -> str:
    """The file of that name, or one that no other process makes."""
    plain = uuid.uuid4().hex if name is None else re.sub(r"[^\w.-]", "_", name)
    return os.path.join(tempfile.gettempdir(), "fixpickle-" + getpass.getuser(), plain + ".lock")


def _prepare(path: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    # In a temporary directory others may have made the folder first, and could then put links in it.
    if hasattr(os, "getuid") and os.stat(folder).st_uid != os.getuid():
        raise PermissionError("%s belongs to another user" % folder)


# One object for each file in a process, so that a lock which arrives twice keeps its own threads apart.
_known: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
_known_guard = threading.Lock()

if TYPE_CHECKING:
    # To a type checker they are the originals, so that `threading.Lock` in annotations stays right.
    from threading import Lock, RLock

    def file_lock(name: Optional[str] = None) -> Lock:
        """The lock of that name on this host."""

    def file_rlock(name: Optional[str] = None) -> RLock:
        """The re-entrant lock of that name on this host."""

else:

    class _FileLock:
        """`threading.Lock` over a file: not re-entrant, and any thread of the process that holds it may release it.

        filelock alone would not do: it is re-entrant, for one thread or for all of a process. So a lock of threads
        comes first, and whoever has that asks for the file.
        """

        def __init__(self, path):
            self._path = path
            self._reset()

        def _reset(self):
            self._threads = threading.Lock()
            self._file = None

        def acquire(self, blocking=True, timeout=-1):
            deadline = time.monotonic() + timeout if timeout > 0 else None
            if not self._threads.acquire(blocking, timeout):
                return False
            return self._taken(blocking, deadline)

        def _taken(self, blocking, deadline):
            """Whether the file was locked as well; if not, the threads' lock is given back."""
            taken = False
            try:
                taken = self._lock_file(blocking, deadline)
            finally:
                if not taken:
                    self._threads.release()
            return taken

        def _lock_file(self, blocking, deadline):
            filelock = _filelock()
            if self._file is None:
                _prepare(self._path)
                self._file = filelock.FileLock(self._path, thread_local=False)
            left = -1 if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                self._file.acquire(timeout=left if blocking else 0, poll_interval=_POLL)
            except filelock.Timeout:
                return False
            return True

        def release(self):
            if not self._threads.locked():
                raise RuntimeError("release unlocked lock")
            self._file.release()
            self._threads.release()

        def locked(self):
            """Whether anyone on this host holds it."""
            if self._threads.locked():
                return True
            if self.acquire(False):
                self.release()
                return False
            return True

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *exception):
            self.release()

        def __reduce__(self):
            return _the_one, (type(self), self._path)

        def __repr__(self):
            return f"<{type(self).__module__}.{type(self).__qualname__} of {self._path!r}>"

    class _FileRLock(_FileLock):
        """`threading.RLock` over a file: re-entrant, and only the thread that holds it may release it."""

        def _reset(self):
            super()._reset()
            self._owner = None
            self._depth = 0

        def acquire(self, blocking=True, timeout=-1):
            if self._owner == threading.get_ident():
                self._depth += 1
                return True
            if not super().acquire(blocking, timeout):
                return False
            self._owner, self._depth = threading.get_ident(), 1
            return True

        def release(self):
            if self._owner != threading.get_ident():
                raise RuntimeError("cannot release un-acquired lock")
            self._depth -= 1
            if not self._depth:
                self._owner = None
                super().release()

    def _the_one(kind, path):
        with _known_guard:
            lock = _known.get((kind, path))
            if lock is None:
                lock = _known[kind, path] = kind(path)
            return lock

    def file_lock(name=None):
        """The lock of that name on this host; without a name a new one, which copies of it share."""
        return _the_one(_FileLock, _path(name))

    def file_rlock(name=None):
        """The re-entrant lock of that name on this host: see `file_lock`."""
        return _the_one(_FileRLock, _path(name))


# --- fork -----------------------------------------------------------------------------------------------------------

_imported: Any = None


def _filelock() -> Any:
    """The module filelock, imported when it is first needed."""
    global _imported
    if _imported is None:
        import filelock

        # After filelock's own, which from 4.0 drops what was inherited; before that, nobody does.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=_known_guard.acquire, after_in_parent=_known_guard.release, after_in_child=_forked
            )
        _imported = filelock
    return _imported


def _forked() -> None:
    """In a forked child nothing is held. Inherited files are closed: unlocking would unlock them for the parent too."""
    _known_guard.release()
    for lock in list(_known.values()):
        context = getattr(lock._file, "_context", None)
        inherited = getattr(context, "lock_file_fd", None)
        if context is not None and inherited is not None:
            context.lock_file_fd = None
            os.close(inherited)
        lock._reset()
