"""The modules that send what they pickle elsewhere: where a size can be seen, and where a task is handed in."""

from __future__ import annotations

import types

from . import stand_in
from .payloads import caller, clock, count, flush, tell
from .picklers import kind_name
from .places import remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def patch_reduction(module: Any) -> None:
    """Every pickle of multiprocessing and concurrent.futures comes out of here."""
    kind = module.ForkingPickler
    raw = vars(kind)["dumps"].__func__

    def counted(cls: Any, obj: Any, protocol: Any = None) -> Any:
        start = clock()
        data = raw(cls, obj, protocol)
        count(caller(1), kind_name(cls), obj, len(data), start)
        return data

    kind.dumps = classmethod(stand_in.function(counted, raw))
    patch_dump(module)


def patch_dump(module: Any) -> None:
    """A function that pickles its first argument into the file that is its second one."""
    raw = module.dump

    def counted(obj: Any, file: Any, *args: Any, **named: Any) -> Any:
        start, before = clock(), tell(file)
        raw(obj, file, *args, **named)
        count(caller(1), raw.__module__, obj, tell(file) - before, start)

    module.dump = stand_in.function(counted, raw)


def patch_cloudpickle(module: Any) -> None:
    raw = module.dumps

    def counted(obj: Any, *args: Any, **named: Any) -> Any:
        start = clock()
        data = raw(obj, *args, **named)
        count(caller(1), "cloudpickle", obj, len(data), start)
        return data

    module.dumps = stand_in.function(counted, raw)
    table = getattr(module.Pickler, "_dispatch_table", {})
    if types.MethodType in table:
        table[types.MethodType] = stand_in.kept_whole(table[types.MethodType])


def patch_dill(module: Any) -> None:
    table = module.Pickler.dispatch
    raw = table[types.MethodType]

    def save(pickler: Any, one: Any) -> None:
        if isinstance(one.__self__, stand_in.StandIn):
            pickler.save_reduce(*one.__reduce__(), obj=one)
        else:
            raw(pickler, one)

    table[types.MethodType] = stand_in.function(save, raw)


def patch_util(module: Any) -> None:
    """The processes of multiprocessing end by this, and without exit handlers."""
    raw = module._exit_function

    def ended(*args: Any, **named: Any) -> None:
        try:
            raw(*args, **named)
        finally:
            flush()

    module._exit_function = stand_in.function(ended, raw)


def patch_pool(module: Any) -> None:
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        setattr(module.Pool, name, _noting(getattr(module.Pool, name)))


def patch_queues(module: Any) -> None:
    module.Queue.put = _noting(module.Queue.put)


def patch_futures(module: Any) -> None:
    module.ProcessPoolExecutor.submit = _noting(module.ProcessPoolExecutor.submit)


def _noting(raw: Any) -> Any:
    """A method that hands a task in, which notes from where."""

    def call(self: Any, *args: Any, **named: Any) -> Any:
        remember(caller(1), raw, (*args[:2], *named.values()) if named else args[:2])
        return raw(self, *args, **named)

    return stand_in.function(call, raw)
