"""Locks, queues and their kin that can be pickled.

Copied by fixpickle, which replaced constructors of `threading`, `_thread` and
`queue` by the counterparts of the same name here. It needs the standard library alone (CPython 3.8 to 3.14). MIT
license; edit it as you like.

In one process a counterpart behaves as its original. Pickled, or copied by `copy`, it becomes a new and free one of the
same kind, whether or not it was held. Within one pickle identity is kept: two attributes that were one lock are one
lock again, and so are a Condition and the lock it was built on. An Event keeps its flag, a Semaphore its counter, a
queue its items and bound; a Barrier arrives with nobody waiting, a `local` empty but with its constructor arguments.

A lock that arrives in another process EXCLUDES NOBODY in the process it came from. What guards a file, a socket or
another resource shared between processes needs a lock that reaches across them.

One thing cannot hold: `isinstance(Lock(), type(threading.Lock()))`, because that type cannot be subclassed.
"""

from __future__ import annotations

import copy
import copyreg
import operator
import queue
import threading
import uuid
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Optional, Tuple

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "RLock",
    "Semaphore",
    "SimpleQueue",
    "local",
    "shared_lock",
    "shared_rlock",
]

_LockType = type(threading.Lock())
_RLockType = type(threading.RLock())


# --- locks ----------------------------------------------------------------------------------------------------------

if TYPE_CHECKING:
    # To a type checker they are the originals, so that `threading.Lock` in annotations stays right.
    from threading import Lock as Lock
    from threading import RLock as RLock

    def shared_lock(name: Optional[str] = None) -> Lock:
        """The lock of that name in this process."""

    def shared_rlock(name: Optional[str] = None) -> RLock:
        """The re-entrant lock of that name in this process."""

else:
    _bound_methods = operator.attrgetter("__enter__", "__exit__", "acquire", "locked", "release")

    class Lock:
        """`threading.Lock`: not re-entrant, and any thread may release it.

        The slots hold the bound methods of a real lock. `with` finds `__enter__` and `__exit__` on the class, as slots,
        and so calls the real ones: no Python function stands between.
        """

        __slots__ = ("__enter__", "__exit__", "__weakref__", "acquire", "locked", "release")

        def __init__(self):
            methods = _bound_methods(threading.Lock())
            self.__enter__, self.__exit__, self.acquire, self.locked, self.release = methods

        def _at_fork_reinit(self):
            # `logging`, `threading` and `concurrent.futures` call it in a forked child, from Python 3.9.
            self.acquire.__self__._at_fork_reinit()

        def __reduce__(self):
            return type(self), ()

        def __repr__(self):
            held = "locked" if self.locked() else "unlocked"
            return f"<{held} {type(self).__module__}.{type(self).__qualname__} object at {id(self):#x}>"

    class RLock(_RLockType):
        """`threading.RLock`: re-entrant, and only the thread that holds it may release it."""

        __slots__ = ()

        def __reduce__(self):
            return type(self), ()

    class _SharedLock(Lock):
        __slots__ = ("_name",)

        def __init__(self, name):
            super().__init__()
            self._name = name

        def __reduce__(self):
            return shared_lock, (self._name,)

    class _SharedRLock(RLock):
        __slots__ = ("_name",)

        def __init__(self, name):
            super().__init__()
            self._name = name

        def __reduce__(self):
            return shared_rlock, (self._name,)

    # Weak, so that the locks of closures, which are many, end with them. What is held or waited for is alive.
    _shared: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
    _shared_guard = threading.Lock()

    def _the_one(kind, name):
        name = uuid.uuid4().hex if name is None else name
        with _shared_guard:
            lock = _shared.get((kind, name))
            if lock is None:
                lock = _shared[kind, name] = kind(name)
            return lock

    def shared_lock(name=None):
        """The lock of that name in this process: always the same object, also when it arrives by pickle.

        For a module global or a closure variable of a function that is shipped by value: every task that arrives in
        one worker finds the same lock, where a new one for each would guard nothing. `copy` gives the same object too.
        Without a name the lock is a new one, under a name that no other process gives.
        """
        return _the_one(_SharedLock, name)

    def shared_rlock(name=None):
        """The re-entrant lock of that name in this process: see `shared_lock`."""
        return _the_one(_SharedRLock, name)


_counterparts: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_counterparts_guard = threading.Lock()


def _picklable(lock: Any) -> Any:
    """`lock` itself, or the counterpart that goes into pickles in its place: one per lock, so that identity is kept."""
    if type(lock) is _LockType:
        counterpart: Callable[[], Any] = Lock
    elif type(lock) is _RLockType:
        counterpart = RLock
    else:
        return lock
    with _counterparts_guard:
        if lock not in _counterparts:
            _counterparts[lock] = counterpart()
        return _counterparts[lock]


# --- what is built on locks -----------------------------------------------------------------------------------------


def _arrive(make: Callable[..., Any], arguments: Tuple[Any, ...], kept: Tuple[Any, ...]) -> Any:
    """An instance with new primitives, before its state is set."""
    instance = make(*arguments)
    instance._renew(*kept)
    return instance


def _without(state: Any, names: FrozenSet[str]) -> Any:
    """`state`, in any of the forms that `object.__reduce_ex__` and `__getstate__` give, without those attributes."""
    if isinstance(state, dict):
        return {name: value for name, value in state.items() if name not in names}
    if isinstance(state, tuple) and len(state) == 2:
        return _without(state[0], names), state[1]
    return state


class _Counterpart:
    """Pickles an instance without the primitives in its dictionary, and makes new ones before its state is set.

    Subclasses keep their own attributes and slots, and their own `__reduce__`, `__getstate__` and `__setstate__`.
    """

    _bound: FrozenSet[str] = frozenset({"_cond"})

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced: Any = super().__reduce_ex__(max(protocol, 2))
        if type(self).__reduce__ is not object.__reduce__:
            return reduced
        make, arguments, state, *rest = reduced
        return (_arrive, (make, arguments, self._kept()), self._travelling(state), *rest)

    def _kept(self) -> Tuple[Any, ...]:
        """What `_renew` needs on the other side."""
        return ()

    def _renew(self) -> None:
        self._cond = threading.Condition(threading.Lock())

    def _travelling(self, state: Any) -> Any:
        return _without(state, self._bound)


class Condition(_Counterpart, threading.Condition):
    """`threading.Condition`. The lock it was built on travels with it, a plain one as a new counterpart."""

    # What Condition stores differs between versions of Python; all of it follows from the lock.
    _bound = frozenset(vars(threading.Condition(threading.RLock())))
    _lock: Any

    def __init__(self, lock: Any = None) -> None:
        super().__init__(RLock() if lock is None else lock)

    def __copy__(self) -> Condition:
        # A copy has no waiters, so it must not share the lock: deep for the lock, shallow for all else.
        shared = {id(value): value for value in vars(self).values() if value is not self._lock}
        return copy.deepcopy(self, shared)

    def _kept(self) -> Tuple[Any, ...]:
        return (_picklable(self._lock),)

    def _renew(self, lock: Any = None) -> None:
        threading.Condition.__init__(self, lock)


class Event(_Counterpart, threading.Event):
    """`threading.Event`. Its flag travels."""


class Semaphore(_Counterpart, threading.Semaphore):
    """`threading.Semaphore`. Its counter travels as it stands: what is taken here nobody gives back there."""


class BoundedSemaphore(_Counterpart, threading.BoundedSemaphore):
    """`threading.BoundedSemaphore`. It arrives with its bound and all of it free: who holds a part of it is here."""

    _bound = frozenset({"_cond", "_value"})
    _initial_value: int

    def _kept(self) -> Tuple[Any, ...]:
        return (self._initial_value,)

    def _renew(self, value: int = 1) -> None:
        super()._renew()
        self._value = value


class Barrier(_Counterpart, threading.Barrier):
    """`threading.Barrier`. It arrives with nobody waiting and not broken."""

    _bound = frozenset({"_cond", "_count", "_state"})

    def _renew(self) -> None:
        super()._renew()
        self._count = 0
        self._state = 0


class local(threading.local):
    """`threading.local`. It arrives empty; a subclass is made again with its constructor arguments."""

    # A slot of a `local` is shared by all threads. The mangled name cannot meet an attribute of a subclass.
    __slots__ = ("__arguments",)

    __arguments: Tuple[Tuple[Any, ...], Dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> local:
        instance = super().__new__(cls, *args, **kwargs)
        instance.__arguments = (args, kwargs)
        return instance

    def __reduce__(self) -> Any:
        args, kwargs = self.__arguments
        return _new_local, (type(self), args, kwargs)


def _new_local(cls: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    return cls(*args, **kwargs)


# --- queues ---------------------------------------------------------------------------------------------------------

# The mutex of a queue is held for moments only. Whoever finds it taken for longer than this many seconds holds it.
_PATIENCE = 1.0

if TYPE_CHECKING:
    from queue import LifoQueue as LifoQueue
    from queue import PriorityQueue as PriorityQueue
    from queue import Queue as Queue
    from queue import SimpleQueue as SimpleQueue
else:

    class _QueueCounterpart(_Counterpart):
        _bound = frozenset({"all_tasks_done", "mutex", "not_empty", "not_full", "unfinished_tasks"})

        def _renew(self):
            self.mutex = threading.Lock()
            self.not_empty = threading.Condition(self.mutex)
            self.not_full = threading.Condition(self.mutex)
            self.all_tasks_done = threading.Condition(self.mutex)

        def __reduce_ex__(self, protocol):
            # Not in the middle of another thread's operation, and no deadlock for a thread that holds the mutex itself.
            taken = self.mutex.acquire(timeout=_PATIENCE)
            try:
                return super().__reduce_ex__(protocol)
            finally:
                if taken:
                    self.mutex.release()

        def _travelling(self, state):
            state = super()._travelling(state)
            fields = state[0] if isinstance(state, tuple) else state
            if isinstance(fields, dict):
                # Only what is still queued can be finished there: `join` must not wait for what was taken here.
                fields["unfinished_tasks"] = self._qsize()
                if "queue" in fields:
                    fields["queue"] = copy.copy(fields["queue"])
            return state

    class Queue(_QueueCounterpart, queue.Queue):
        """`queue.Queue`. Its items and its bound travel."""

    class LifoQueue(_QueueCounterpart, queue.LifoQueue):
        """`queue.LifoQueue`. Its items and its bound travel."""

    class PriorityQueue(_QueueCounterpart, queue.PriorityQueue):
        """`queue.PriorityQueue`. Its items and its bound travel."""

    _count_up, _count_down = queue.SimpleQueue.put, queue.SimpleQueue.get

    class SimpleQueue(queue.SimpleQueue):
        """`queue.SimpleQueue`. Its items travel.

        The real one gives its items only to those who take them, so they are kept beside it, and it counts them.
        Each step is one call into C, so that `put` may interrupt itself in a destructor, as the original's may.
        """

        __slots__ = ("_items",)

        def __new__(cls, *args, **kwargs):
            instance = super().__new__(cls, *args, **kwargs)
            instance._items = deque()
            return instance

        def put(self, item, block=True, timeout=None):
            self._items.append(item)
            _count_up(self, None)

        def get(self, block=True, timeout=None):
            _count_down(self, block, timeout)
            return self._items.popleft()

        def put_nowait(self, item):
            self.put(item)

        def get_nowait(self):
            return self.get(False)

        def __reduce__(self):
            return copyreg.__newobj__, (type(self),), (tuple(self._items.copy()), getattr(self, "__dict__", None))

        def __setstate__(self, state):
            items, attributes = state
            for item in items:
                SimpleQueue.put(self, item)
            if attributes:
                self.__dict__.update(attributes)
