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

import copy
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


class _NamedEntries(_Named):
    """Stands for a dictionary with such values: a deep copy of it shares these and nothing else."""

    __slots__ = ()

    def __deepcopy__(self, memo: Dict[int, Any]) -> _Named:
        (entries,) = self._arguments
        copied = copy.deepcopy(entries, memo)
        live = {key: entry.value if isinstance(entry, _Named) else entry for key, entry in copied.items()}
        return _NamedEntries(live, dict, copied)


def _stream(name: str) -> Any:
    """The standard stream of this process, which may be None where there is no console."""
    return getattr(sys, name)


def _cached(function: Callable[..., Any], maxsize: Optional[int], typed: bool) -> Any:
    """The function with an empty cache."""
    return functools.lru_cache(maxsize, typed)(function)


def to_name(state: Dict[str, Any], key: str) -> None:
    """Puts what leads to it again in the place of a module, standard stream or cached function.

    If that is what `state` has under the key, or what a dictionary there has among its values.
    """
    value = state.get(key)
    if type(value) is dict:
        # Two attributes that are one dictionary are one again.
        alike = [one for one in state.values() if isinstance(one, _NamedEntries) and one.value is value]
        entries = {name: _named(entry) or entry for name, entry in value.items()}
        if any(isinstance(entry, _Named) for entry in entries.values()):
            state[key] = alike[0] if alike else _NamedEntries(value, dict, entries)
    elif (named := _named(value)) is not None:
        state[key] = named


def _named(value: Any) -> Optional[_Named]:
    """What stands for the value; None where it goes as it is."""
    if isinstance(value, ModuleType):
        name = _name_of(value)
        return _Named(value, importlib.import_module, name) if name else None
    if isinstance(value, _Cache):
        if _found(value) or not hasattr(value, "cache_parameters"):  # Python 3.8 does not tell
            return None
        parameters = value.cache_parameters()
        return _Named(value, _cached, value.__wrapped__, parameters["maxsize"], parameters["typed"])
    if isinstance(value, io.IOBase) and not isinstance(value, (io.StringIO, io.BytesIO)):  # these two can be pickled
        known = [name for name in _STREAMS if getattr(sys, name, None) is value]
        return _Named(value, _stream, known[0]) if known else None
    return None


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
