"""The functions and picklers of `pickle` and `copy`, as they are while they record.

The originals are in C and leave no frame in the traceback of an error. What stands in for one does, so it lets go of
what it was given first: an error that is kept would keep that too, and up to Python 3.12.3 a collection that meets the
view of a buffer in such a circle ends the process (gh-77894).
"""

from __future__ import annotations

import sys

from . import stand_in
from .failures import failed
from .payloads import LARGE, Share, caller, clock, count, restarted, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def patch_pickle(module: Any) -> None:
    """`pickle`, and the C module behind it under both of its names."""
    accelerated = sys.modules.get("_pickle")
    for name, make in (("dumps", _dumping), ("dump", _writing), ("loads", _loading), ("load", _loading)):
        raw = getattr(module, name)
        made = stand_in.method(make(raw), raw, module.__name__)
        for place in (module, accelerated):
            if getattr(place, name, None) is raw:
                setattr(place, name, made)
    if accelerated is not None:
        for name, wrap in (("Pickler", _pickler), ("Unpickler", _unpickler)):
            kind = wrap(getattr(accelerated, name))
            setattr(accelerated, name, kind)
            setattr(module, name, kind)
    slow = module._Pickler
    slow.dump = _slow(slow.dump)


def patch_copy(module: Any) -> None:
    module.deepcopy = stand_in.function(_copying(module.deepcopy), module.deepcopy)


def _dumping(raw: Any) -> Any:
    share, left = Share(), 1

    def restart() -> None:
        nonlocal left
        left = share.restart()

    restarted.append(restart)

    # What each call costs here is most of what the recorder costs a program that pickles many small things. Parameters
    # that can only be named would cost as much again.
    def dumps(_self: Any, obj: Any, protocol: Any = None, fix_imports: Any = True, buffer_callback: Any = None) -> Any:
        nonlocal left
        left -= 1
        try:
            if left > 0 and buffer_callback is None and fix_imports is True:
                data, start = raw(obj, protocol), None
                if len(data) < LARGE:
                    return data
            else:
                start = clock()
                data = raw(obj, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback)
        except BaseException as error:
            left += 1
            failed("dump", "pickle.dumps", obj, error, caller(1))
            del obj
            raise
        left = share.counted(left, caller(1), "pickle.dumps", obj, len(data), start)
        return data

    return dumps


def _writing(raw: Any) -> Any:
    def dump(_self: Any, obj: Any, file: Any, *args: Any, **named: Any) -> Any:
        start, before = clock(), tell(file)
        try:
            raw(obj, file, *args, **named)
        except BaseException as error:
            failed("dump", "pickle.dump", obj, error, caller(1))
            del obj, file
            raise
        count(caller(1), "pickle.dump", obj, tell(file) - before, start)

    return dump


def _loading(raw: Any) -> Any:
    name = "pickle." + raw.__name__

    def loads(_self: Any, data: Any, *args: Any, **named: Any) -> Any:
        try:
            return raw(data, *args, **named)
        except BaseException as error:
            parcel = bytes(data) if isinstance(data, (bytes, bytearray, memoryview)) else None
            failed("load", name, parcel, error, caller(1))
            del data, parcel
            raise

    return loads


def _copying(raw: Any) -> Any:
    def deepcopy(x: Any, *args: Any, **named: Any) -> Any:
        try:
            return raw(x, *args, **named)
        except BaseException as error:
            failed("copy", "deepcopy", x, error, caller(1))
            del x
            raise

    return deepcopy


def kind_name(kind: Any) -> str:
    """What a class of picklers is called in the record."""
    return "pickle.Pickler" if kind.__module__ in ("_pickle", "pickle") else "%s.%s" % (kind.__module__, kind.__name__)


def _pickler(raw: Any) -> Any:
    raw_dump = raw.dump

    class Pickler(raw):  # type: ignore[misc]
        def dump(self, obj: Any) -> Any:
            try:
                return raw_dump(self, obj)
            except BaseException as error:
                failed("dump", kind_name(type(self)), obj, error, caller(1), self)
                del self, obj
                raise

    Pickler.__module__, Pickler.__qualname__, Pickler.__doc__ = raw.__module__, "Pickler", raw.__doc__
    return Pickler


def _unpickler(raw: Any) -> Any:
    raw_load = raw.load

    class Unpickler(raw):  # type: ignore[misc]
        def load(self) -> Any:
            try:
                return raw_load(self)
            except BaseException as error:
                name = kind_name(type(self)).replace("Pickler", "Unpickler")
                failed("load", name, None, error, caller(1))
                del self
                raise

    Unpickler.__module__, Unpickler.__qualname__, Unpickler.__doc__ = raw.__module__, "Unpickler", raw.__doc__
    return Unpickler


def _slow(raw: Any) -> Any:
    def dump(self: Any, obj: Any) -> Any:
        try:
            return raw(self, obj)
        except BaseException as error:
            failed("dump", kind_name(type(self)), obj, error, caller(1))
            del self, obj
            raise

    return stand_in.function(dump, raw)
