"""Locks that exclude a whole Ray cluster.

Copied by fixpickle, which put `ray_lock()` where `threading.Lock()` stood, and `ray_rlock()` where `threading.RLock()`
did. It needs Ray when a lock is first acquired, running by then, and the standard library. MIT license; edit it as you
like.

Pickled, or copied by `copy`, a lock is the same lock everywhere: it is a name. One named actor per cluster keeps who
holds which; whoever waits is queued there, in order. A holder that is gone or cut off for 30 seconds loses its locks,
and where it still lives hears so at `release`. Acquiring and releasing costs about as much as four Ray calls, some
milliseconds. If the actor dies, with its node, every call raises Ray's error: nobody is let in by mistake.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Dict, Optional, Sequence, Tuple

__all__ = ["ray_lock", "ray_rlock"]

LEASE = 30.0  # seconds after which a holder that was not heard of loses its locks
_NAMESPACE = "fixpickle"
_ACTOR = "fixpickle-locks-1"  # the number is that of the calls below: two versions must not meet


# --- in the actor ---------------------------------------------------------------------------------------------------


class _Table:
    """Who holds which lock until when, and who waits for it. All of it runs in one thread, that of an event loop."""

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._held: Dict[str, Tuple[str, float]] = {}
        self._waiting: Dict[str, Deque[Tuple[str, asyncio.Future[bool]]]] = {}
        self._watch: Optional[asyncio.Task[None]] = None

    async def acquire(self, name: str, owner: str, timeout: Optional[float]) -> bool:
        """Whether `owner` holds it now; waits for at most `timeout` seconds, or for ever."""
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._expire())
        if name not in self._held:
            self._held[name] = owner, time.monotonic() + self._lease
            return True
        if timeout == 0:
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append((owner, turn))
        await asyncio.wait([turn], timeout=timeout)
        if turn.done() and not turn.cancelled():
            return turn.result()
        turn.cancel()
        self._waiting[name] = deque(w for w in self._waiting.get(name, ()) if w[1] is not turn)
        return False

    async def release(self, name: str, owner: str) -> bool:
        """Whether `owner` held it."""
        if self._held.get(name, ("", 0.0))[0] != owner:
            return False
        self._next(name)
        return True

    async def abandon(self, name: str, owner: str) -> None:
        """`owner` neither waits for it any more nor holds it."""
        for waiting, turn in self._waiting.get(name, ()):
            if waiting == owner and not turn.done():
                turn.cancel()
        await self.release(name, owner)

    async def renew(self, owner: str, names: Sequence[str]) -> None:
        """`owner` is alive and holds these."""
        for name in names:
            if self._held.get(name, ("", 0.0))[0] == owner:
                self._held[name] = owner, time.monotonic() + self._lease

    async def locked(self, name: str) -> bool:
        return name in self._held

    def _next(self, name: str) -> None:
        del self._held[name]
        waiting = self._waiting.get(name, deque())
        while waiting:
            owner, turn = waiting.popleft()
            if not turn.done():
                self._held[name] = owner, time.monotonic() + self._lease
                turn.set_result(True)
                return
        self._waiting.pop(name, None)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 10)
            now = time.monotonic()
            for name in [n for n, (_, until) in self._held.items() if until < now]:
                self._next(name)


# --- in every process -----------------------------------------------------------------------------------------------


class _Process:
    """This process as the actor knows it, what it holds, and the thread that says so."""

    def __init__(self) -> None:
        self.owner = "%d-%s" % (os.getpid(), uuid.uuid4().hex)
        self.held: Dict[str, None] = {}
        self._table: Tuple[str, Any] = "", None
        self._guard = threading.Lock()
        self._thread: Optional[threading.Thread] = None

    def table(self) -> Any:
        """The cluster's one actor. Raises RuntimeError where Ray does not run: it would start a cluster of its own."""
        import ray

        if not ray.is_initialized():
            raise RuntimeError("Ray is not running in this process, so nobody can be excluded; call ray.init first")
        me = ray.get_runtime_context().get_worker_id()  # another one after each ray.init
        if self._table[0] != me:
            self._table = me, self._found(ray)
        return self._table[1]

    def _found(self, ray: Any) -> Any:
        options: Dict[str, Any] = {
            "name": _ACTOR,
            "namespace": _NAMESPACE,
            "get_if_exists": True,
            "lifetime": "detached",  # else it ends with the task that happened to ask first
            "scheduling_strategy": "DEFAULT",  # else it is in the placement group of a Tune trial, and ends with that
            "num_cpus": 0,
            "concurrency_groups": {"waiting": 10000, "others": 1000},  # who waits must not keep a release out
        }
        return ray.remote(**options)(_Table).remote(LEASE)

    def call(self, method: str, *arguments: Any) -> Any:
        """What the actor answers."""
        import ray

        group = "waiting" if method == "acquire" else "others"
        remote = getattr(self.table(), method).options(concurrency_group=group)
        return ray.get(remote.remote(*arguments))

    def took(self, name: str) -> None:
        self.held[name] = None
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="fixpickle-locks", daemon=True)
                self._thread.start()

    def _renew(self) -> None:
        while True:
            time.sleep(LEASE / 3)
            names = list(self.held)
            try:
                if names:
                    self.call("renew", self.owner, names)
            except Exception:  # who lost a lock hears of it when it releases
                continue


if TYPE_CHECKING:
    # To a type checker they are the originals, so that `threading.Lock` in annotations stays right.
    from threading import Lock, RLock

    def ray_lock(name: Optional[str] = None) -> Lock:
        """The lock of that name in this cluster."""

    def ray_rlock(name: Optional[str] = None) -> RLock:
        """The re-entrant lock of that name in this cluster."""

else:

    class _RayLock:
        """`threading.Lock` over a name: not re-entrant, and any thread of the process that holds it may release it."""

        def __init__(self, name):
            self._name = name
            self._threads = threading.Lock()

        def acquire(self, blocking=True, timeout=-1):
            deadline = time.monotonic() + timeout if timeout > 0 else None
            if not self._threads.acquire(blocking, timeout):
                return False
            taken = False
            try:
                taken = self._taken(blocking, deadline)
            finally:
                if not taken:
                    self._threads.release()
            return taken

        def _taken(self, blocking, deadline):
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                taken = _here.call("acquire", self._name, _here.owner, left if blocking else 0)
            except (KeyboardInterrupt, SystemExit):
                _here.call("abandon", self._name, _here.owner)
                raise
            if taken:
                _here.took(self._name)
            return taken

        def release(self):
            if not self._threads.locked():
                raise RuntimeError("release unlocked lock")
            _here.held.pop(self._name, None)
            try:
                if not _here.call("release", self._name, _here.owner):
                    raise RuntimeError("the lock was lost: its holder was not heard of for %g seconds" % LEASE)
            finally:
                self._threads.release()

        def locked(self):
            """Whether anyone in the cluster holds it."""
            return _here.call("locked", self._name)

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *exception):
            self.release()

        def __reduce__(self):
            return _the_one, (type(self), self._name)

        def __repr__(self):
            return f"<{type(self).__module__}.{type(self).__qualname__} {self._name!r}>"

    class _RayRLock(_RayLock):
        """`threading.RLock` over a name: re-entrant, and only the thread that holds it may release it."""

        def __init__(self, name):
            super().__init__(name)
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

    _here = _Process()

    # One object for each name in a process, so that a lock which arrives twice keeps its own threads apart.
    _known: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
    _known_guard = threading.Lock()

    def _the_one(kind, name):
        with _known_guard:
            lock = _known.get((kind, name))
            if lock is None:
                lock = _known[kind, name] = kind(name)
            return lock

    def ray_lock(name=None):
        """The lock of that name in this cluster; without a name a new one, which copies of it share."""
        return _the_one(_RayLock, uuid.uuid4().hex if name is None else name)

    def ray_rlock(name=None):
        """The re-entrant lock of that name in this cluster: see `ray_lock`."""
        return _the_one(_RayRLock, uuid.uuid4().hex if name is None else name)
