"""Modules, standard streams and cached functions that instances keep, pickled by what they are known by.

Copied by fixpickle, which put `to_name` and `from_name` into the
`__getstate__` and `__setstate__` of classes that may keep one. It needs the standard library alone (CPython 3.8 to
3.14). MIT license; edit it as you like.

What has the name of a module in `sys.modules` is imported again where it arrives; `sys.stdout` and its kin become those
of that process. What `functools.lru_cache` made of a function arrives as made of that function again, and empty.
Everything else goes its own way: what pickle took before it takes as before, and what it did not take, such as an open
file or the module `__main__`, it does not take now. A copy made by `copy` keeps the same object.
"""

from __future__ import annotations

import functools
import importlib
import io
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Tuple

__all__ = ["from_name", "to_name"]

_Cache: Any = type(functools.lru_cache(maxsize=None)(len))
_STREAMS = ("stdout", "stderr", "stdin", "__stdout__", "__stderr__", "__stdin__")


class _Named:
    """Stands for a value in a state: pickled it becomes what `find` gives where it arrives, copied it stays itself."""

    __slots__ = ("_arguments", "_find", "value")

    def __init__(self, value: Any, find: Callable[..., Any], *arguments: Any) -> None:
        self.value, self._find, self._arguments = value, find, arguments

    def __reduce__(self) -> Tuple[Callable[..., Any], Tuple[Any, ...]]:
        return self._find, self._arguments

    def __deepcopy__(self, memo: Dict[int, Any]) -> _Named:
        return self


def _stream(name: str) -> Any:
    """The standard stream of this process, which may be None where there is no console."""
    return getattr(sys, name)


def _cached(function: Callable[..., Any], maxsize: Optional[int], typed: bool) -> Any:
    """The function with an empty cache."""
    return functools.lru_cache(maxsize, typed)(function)


def to_name(state: Dict[str, Any], key: str) -> None:
    """Puts what leads to it again in the place of a module, standard stream or cached function.

    If that is what `state` has under the key.
    """
    value = state.get(key)
    if isinstance(value, ModuleType):
        if name := _name_of(value):
            state[key] = _Named(value, importlib.import_module, name)
    elif isinstance(value, _Cache):
        if not _found(value) and hasattr(value, "cache_parameters"):  # Python 3.8 does not tell
            parameters = value.cache_parameters()
            state[key] = _Named(value, _cached, value.__wrapped__, parameters["maxsize"], parameters["typed"])
    elif isinstance(value, io.IOBase) and not isinstance(value, (io.StringIO, io.BytesIO)):  # these two can be pickled
        for name in _STREAMS:
            if getattr(sys, name, None) is value:
                state[key] = _Named(value, _stream, name)
                break


def from_name(instance: Any, key: str) -> None:
    """Gives an instance that was copied the module or stream itself. One that was unpickled has it already."""
    value = vars(instance).get(key)
    if isinstance(value, _Named):
        vars(instance)[key] = value.value


def _name_of(module: ModuleType) -> str:
    """The name that leads to a module in every process; empty where none does, or where its type has its own way."""
    kind, name = type(module), getattr(module, "__name__", "")
    plain = kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__
    known = isinstance(name, str) and name != "__main__" and sys.modules.get(name) is module
    return name if plain and known else ""


def _found(cached: Any) -> bool:
    """Whether its name leads to it, as to a decorated function of a module: pickle takes that as it is."""
    place: Any = sys.modules.get(cached.__module__)
    for name in cached.__qualname__.split("."):
        place = getattr(place, name, None)
    return place is cached
