"""Where loading fails: the class or function that a pickle calls or fills when it ends.

Standard library alone, any CPython from 3.8. The children of fixpickle load this file by its path and nobody imports
it. The unpickler of the standard library in Python is followed, and hooks such as `__setstate__` run once more.
"""

from __future__ import annotations

import functools
import io
import pickle
import re
from typing import Any, NamedTuple, Optional


class Fault(NamedTuple):
    """What cannot be loaded: the class or function that was being called or filled, as `module.name`, and the error."""

    name: str
    error: BaseException


def fault(parcel: bytes) -> Optional[Fault]:
    """What keeps a pickle from being loaded here; None where it loads."""
    tracer: Any = _Loader(io.BytesIO(parcel))
    try:
        tracer.load()
    except Exception as error:
        return Fault(tracer.at, error)
    return None


def blamed(error: BaseException) -> str:
    """What could not be loaded, by its error alone: a `module.name`, or a class's name, or ""."""
    trace = error.__traceback__
    name = ""
    while trace is not None:
        held = trace.tb_frame.f_locals
        if trace.tb_frame.f_code.co_name in _LOADING and "self" in held:
            name = _named(type(held["self"]))
        trace = trace.tb_next
    missing = next(filter(None, (re.match(words, str(error)) for words in _MISSING)), None)
    called = re.match(r"([\w.<>]+)\.__(?:init|new|setstate)__\(\)", str(error))
    if missing is not None:
        return "%s.%s" % missing.group("module", "name")
    return name or (called.group(1) if called is not None else getattr(error, "name", "") or "")


# --- following the unpickler ------------------------------------------------------------------------------------------

_Unpickler: Any = pickle._Unpickler
_LOADING = ("__init__", "__new__", "__setstate__", "__setitem__", "__getattr__")
_MISSING = (  # what unpickling says of a module that lacks a name: up to 3.13, and from 3.14
    r"Can't get attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'",
    r"module '(?P<module>[^']+)' has no attribute '(?P<name>[^']+)'",
    r"Can't resolve path '(?P<name>[^']+)' on module '(?P<module>[^']+)'",
)


def _named(thing: Any) -> str:
    if isinstance(thing, functools.partial):
        return _named(thing.func)
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return "%s.%s" % (getattr(thing, "__module__", None) or type(thing).__module__, name)


class _Loader(_Unpickler):  # type: ignore[misc]
    """Remembers what was called or filled last."""

    dispatch = dict(_Unpickler.dispatch)
    at = ""

    def find_class(self, module: str, name: str) -> Any:
        self.at = "%s.%s" % (module, name)
        return _Unpickler.find_class(self, module, name)


def _followed(code: int, last: Any) -> Any:
    inner = _Unpickler.dispatch[code]

    def load(self: Any) -> None:
        try:
            self.at = _named(last(self))
        except Exception:  # a pickle that is broken besides fails in the step itself
            pass
        inner(self)

    return load


def _called(loader: Any) -> Any:
    func, args = loader.stack[-2:]
    return args[0] if args and isinstance(args[0], type) and func.__module__ in ("copyreg", "copy_reg") else func


_FOLLOWED = {
    pickle.REDUCE: _called,
    pickle.NEWOBJ: lambda loader: loader.stack[-2],
    pickle.NEWOBJ_EX: lambda loader: loader.stack[-3],
    pickle.BUILD: lambda loader: type(loader.stack[-2]),
    pickle.APPEND: lambda loader: type(loader.stack[-2]),
    pickle.SETITEM: lambda loader: type(loader.stack[-3]),
    pickle.APPENDS: lambda loader: type(loader.metastack[-1][-1]),
    pickle.SETITEMS: lambda loader: type(loader.metastack[-1][-1]),
    pickle.ADDITEMS: lambda loader: type(loader.metastack[-1][-1]),
}
for _code, _last in _FOLLOWED.items():
    _Loader.dispatch[_code[0]] = _followed(_code[0], _last)
