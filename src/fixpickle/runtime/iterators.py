"""Iterators of `itertools` that can be pickled and copied where they stand.

Copied by fixpickle, which replaced constructors of `itertools` by the
counterparts of the same name here. It needs the standard library alone (CPython 3.8 to 3.15). MIT license; edit it as
you like.

From Python 3.14 on no iterator of `itertools` can be pickled or copied (gh-101588). A counterpart is a subclass of its
original and behaves as it does. Pickled, or copied by `copy`, it becomes another one that goes on from the same place,
as the originals' did up to Python 3.13.

What arrives in another process knows nothing of the one it came from: both give the SAME numbers from there on.
"""

from __future__ import annotations

import copy
import itertools
import operator
import re
import sys
import threading
from typing import TYPE_CHECKING

__all__ = ["count", "cycle", "repeat"]

if TYPE_CHECKING:
    # To a type checker they are the originals, so that `itertools.count[int]` in annotations stays right.
    from itertools import count as count
    from itertools import cycle as cycle
    from itertools import repeat as repeat

else:
    # What the original shows of itself: it has no other way to say where it stands. It leaves out a step of 1, and
    # shows `<NULL>` in the place of sys.maxsize, up to which it does without integers of Python.
    _SHOWN = re.compile(r"\w+\((-?\d+|<NULL>)(?:, (-?\d+))?\)")
    _END = object()

    def _is_plain(number):
        # Of larger ones the decimal form can be too long for Python to read.
        return type(number) is int and abs(number) <= sys.maxsize

    class count(itertools.count):
        """`itertools.count`. The number to come and the step travel.

        With integers `next` is the original's own. Whatever else can be added up is counted by `_Sums`.
        """

        __slots__ = ()

        def __new__(cls, start=0, step=1):
            if isinstance(start, int) and abs(start) <= sys.maxsize and _is_one(step):
                start, step = int(start), 1  # the original counts plain integers then, also from True
            made = _Sums if cls is count and not (_is_plain(start) and _is_plain(step)) else cls
            instance = super().__new__(made, start, step)
            if made is _Sums:
                instance._lock, instance._next, instance._step = threading.RLock(), start, step
            return instance

        def __reduce__(self):
            shown = _SHOWN.fullmatch(itertools.count.__repr__(self))
            if shown is None:
                raise TypeError(f"a subclass of count is pickled where it counts integers, not {self!r}")
            return type(self), tuple(sys.maxsize if n == "<NULL>" else int(n) for n in shown.groups() if n)

    def _is_one(step):
        return hasattr(step, "__index__") and operator.index(step) == 1

    class _Sums(count):
        """Counts by adding up, one thread at a time. The original's sums cannot be read from it in every case."""

        __slots__ = ("_lock", "_next", "_step")

        def __next__(self):
            with self._lock:
                number = self._next
                self._next = number + self._step
                return number

        def __reduce__(self):
            with self._lock:
                return count, (self._next, self._step)

        def __repr__(self):
            with self._lock:
                step = "" if isinstance(self._step, int) and self._step == 1 else f", {self._step!r}"
                return f"count({self._next!r}{step})"

    class cycle(itertools.cycle):
        """`itertools.cycle`. What it has met, its place in that, and the iterator it goes through at first, travel.

        That iterator must be one that can be pickled, as those of lists, tuples, strings, ranges and dictionaries are.
        """

        __slots__ = ("_lock", "_met", "_source", "_turn")

        def __new__(cls, iterable):
            instance = super().__new__(cls, ())
            instance._source, instance._met, instance._turn = iter(iterable), [], count()
            instance._lock = threading.RLock()
            return instance

        def __next__(self):
            if self._source is not None:
                with self._lock:
                    item = _END if self._source is None else next(self._source, _END)
                    if item is not _END:
                        self._met.append(item)
                        return item
                    self._source = None
            if not self._met:
                raise StopIteration
            return self._met[next(self._turn) % len(self._met)]  # of two threads, each has a turn of its own

        def __reduce__(self):
            with self._lock:
                source = () if self._source is None else self._source
                return type(self), (source,), (self._met.copy(), copy.copy(self._turn))

        def __setstate__(self, state):
            self._met, self._turn = state

    class repeat(itertools.repeat):
        """`itertools.repeat`. The object travels, and how often it is still to be given."""

        __slots__ = ("_object",)

        def __new__(cls, object, *times, **named):
            instance = super().__new__(cls, object, *times, **named)
            instance._object = object
            return instance

        def __reduce__(self):
            try:
                return type(self), (self._object, self.__length_hint__())
            except TypeError:  # it has no end
                return type(self), (self._object,)
