"""Modules and standard streams that instances keep, pickled by their names.

Copied by fixpickle, which put `to_name` and `from_name` into the
`__getstate__` and `__setstate__` of classes that may keep one. It needs the standard library alone (CPython 3.8 to
3.14). MIT license; edit it as you like.

What has the name of a module in `sys.modules` is imported again where it arrives; `sys.stdout` and its kin become those
of that process. Everything else goes its own way: what pickle took before it takes as before, and what it did not take,
such as an open file or the module `__main__`, it does not take now. A copy made by `copy` keeps the same object.
"""

from __future__ import annotations

import importlib
import io
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Tuple

__all__ = ["from_name", "to_name"]

_STREAMS = ("stdout", "stderr", "stdin", "__stdout__", "__stderr__", "__stdin__")


class _Named:
    """Stands for a value in a state: pickled it becomes what has the name where it arrives, copied it stays itself."""

    __slots__ = ("_find", "_name", "value")

    def __init__(self, value: Any, find: Callable[[str], Any], name: str) -> None:
        self.value, self._find, self._name = value, find, name

    def __reduce__(self) -> Tuple[Callable[[str], Any], Tuple[str]]:
        return self._find, (self._name,)

    def __deepcopy__(self, memo: Dict[int, Any]) -> _Named:
        return self


def _stream(name: str) -> Any:
    """The standard stream of this process, which may be None where there is no console."""
    return getattr(sys, name)


def to_name(state: Dict[str, Any], key: str) -> None:
    """Puts the name of a module or standard stream in its place, if that is what `state` has under the key."""
    value = state.get(key)
    find: Callable[..., Any] = importlib.import_module
    if isinstance(value, ModuleType):
        name = _name_of(value)
    elif isinstance(value, io.IOBase) and not isinstance(value, (io.StringIO, io.BytesIO)):  # these two can be pickled
        find = _stream
        name = next((name for name in _STREAMS if getattr(sys, name, None) is value), "")
    else:
        return
    if name:
        state[key] = _Named(value, find, name)


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
