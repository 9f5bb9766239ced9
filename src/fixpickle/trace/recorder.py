"""The recorder: inside every Python process of a traced program, writes down what is pickled and what cannot be.

Standard library alone, any CPython from 3.8. Loaded by its path from `hook/sitecustomize.py`. `pickle` and `copy` are
patched when the program first imports them, before anything can derive a class from their picklers, so that
multiprocessing, concurrent.futures, joblib, loky, cloudpickle and Ray all come through here.

Each process appends lines of JSON to a file of its own. A line is {"begin": ...} for the process, {"failed": ...} for a
failure, or {"sites": [...]} with what was pickled where since the last such line.
"""

from __future__ import annotations

import atexit
import functools
import importlib.machinery
import os
import sys
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

Json = Dict[str, Any]

_HERE = os.path.dirname(os.path.abspath(__file__))
_clock = time.perf_counter
_frame = sys._getframe
_EVERY = 0.25  # seconds between two writes of what was pickled
_ALIKE = 3  # failures of one kind at one place that are looked into; of more only the number is told
_STACK = 40


def _beside(name: str) -> Any:
    path = os.path.join(os.path.dirname(_HERE), "verify", name + ".py")
    loader = importlib.machinery.SourceFileLoader("_fixpickle_" + name, path)
    module = sys.modules[loader.name] = type(sys)(loader.name)
    module.__file__ = path
    loader.exec_module(module)
    return module


class _Local(threading.local):
    """What one thread is at: how many pickling calls deep, the error that is on its way out, and its counts."""

    def __init__(self) -> None:
        self.depth = 0
        self.told = 0
        self.busy = False
        self.rows: Rows = {}
        EVERYBODY.append((threading.current_thread(), self.rows))


Rows = Dict[Any, List[Any]]
EVERYBODY: List[Tuple[threading.Thread, Rows]] = []
local = _Local()


class Log:
    """Appends to this process's own file. A fork gets another one."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid = 0
        self.path = ""
        self.main = ""

    def open(self) -> None:
        if self.pid != os.getpid():
            self.pid, self.main = os.getpid(), ""
            self.path = os.path.join(self.folder, "%d-%s.jsonl" % (self.pid, os.urandom(3).hex()))
            self.write(begin=_process())

    def write(self, **line: Any) -> None:
        self.open()
        if not self.main and "begin" not in line:
            self.main = _main()  # which is not known at the start
            if self.main:
                self.write(main=self.main, pid=self.pid)
        import json  # not at the start of every process

        data = (json.dumps(line) + "\n").encode("utf-8", "backslashreplace")
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # the folder is gone: the tracer has ended before us
        try:
            os.write(file, data)
        finally:
            os.close(file)


log = Log("")


def _process() -> Json:
    return {"pid": os.getpid(), "parent": os.getppid(), "python": "%d.%d.%d" % sys.version_info[:3]}


def _main() -> str:
    path = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return os.path.abspath(path) if path else ""


# --- what went well -------------------------------------------------------------------------------------------------
# A row is [count, bytes, seconds, largest, place, what], by the code and the instruction of the call.

_next = 0.0


def _count(frame: Any, pickler: str, value: Any, size: int, seconds: float) -> None:
    key: Any = (frame.f_code, frame.f_lasti)
    row = local.rows.get(key)
    if row is None or row[4] is None:
        caller, through = _own_caller(frame)
        if row is None and caller is not frame:
            local.rows[key] = [0, 0, 0.0, 0, None, ""]  # a library's line, which many callers share
        if caller is not None:
            key = (caller.f_code, caller.f_lasti, through)
            row = local.rows.get(key) or _row(key, pickler, {**_place(caller), "through": through})
        else:
            place = _submitted(value) or {**_place(frame), "own": False}
            through = place.get("through", "")
            key = (place["path"], place["line"], through)
            row = local.rows.get(key) or _row(key, pickler, place)
    row[0] += 1
    row[1] += size
    row[2] += seconds
    if size > row[3]:
        if size > 2 * row[3]:
            row[5] = _what(value)
        row[3] = size
    if _clock() > _next:
        flush()


def _row(key: Any, pickler: str, place: Json) -> List[Any]:
    row = local.rows[key] = [0, 0, 0.0, 0, (pickler, place), ""]
    return row


def flush() -> None:
    """Write what was pickled since the last time."""
    global _next
    _next = _clock() + _EVERY
    sites = []
    for thread, rows in list(EVERYBODY):
        for row in list(rows.values()):
            if row[0] and row[4] is not None:
                sites.append([*row[4], *row[:4], row[5]])
                row[0], row[1], row[2] = 0, 0, 0.0
        if not thread.is_alive():
            EVERYBODY.remove((thread, rows))
    if sites:
        log.write(sites=sites)


def _own_caller(frame: Any) -> Tuple[Any, str]:
    """The nearest frame of the user's own code, None where there is none, and the library's function it called."""
    one, through = frame, ""
    while one is not None:
        if _is_own(one.f_code):
            return one, through
        if not one.f_code.co_filename.startswith(_HERE):
            function = getattr(one.f_code, "co_qualname", one.f_code.co_name)
            through = "%s.%s" % (one.f_globals.get("__name__", ""), function)
        one = one.f_back
    return None, ""


_OWN: Dict[Any, bool] = {}


def _is_own(code: Any) -> bool:
    known = _OWN.get(code)
    if known is None:
        known = _OWN[code] = whose.own(code.co_filename)
    return known


def _absolute(path: str) -> str:
    return path if path.startswith("<") else os.path.abspath(path)


def _place(frame: Any) -> Json:
    return {
        "path": _absolute(frame.f_code.co_filename),
        "line": frame.f_lineno,
        "function": getattr(frame.f_code, "co_qualname", frame.f_code.co_name),
    }


def _what(value: Any) -> str:
    """The type of what is sent, and of each bound method in it the class all of which goes along."""
    methods = list(dict.fromkeys(_methods(value, 8)))
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
    return "; ".join([name, *methods])


def _methods(value: Any, depth: int) -> Iterator[str]:
    if type(value).__name__ == "method" and hasattr(value, "__self__") and not isinstance(value.__self__, type):
        yield "%s ships all of its %s" % (value.__func__.__qualname__, type(value.__self__).__qualname__)
    elif depth and isinstance(value, (tuple, list)):
        for one in value[:20]:
            yield from _methods(one, depth - 1)
    elif depth and isinstance(value, dict):
        for one in list(value.values())[:20]:
            yield from _methods(one, depth - 1)
    elif depth and isinstance(value, functools.partial):
        yield from _methods((value.func, value.args, value.keywords), depth - 1)
    elif depth and type(value).__name__ in ("_CallItem", "BatchedCalls"):
        yield from _methods(vars(value), depth - 1)


# --- what failed ----------------------------------------------------------------------------------------------------

_MET: Dict[Any, int] = {}


def _failed(kind: str, pickler: str, value: Any, error: BaseException, frame: Any, like: Any = None) -> None:
    """Tell of a failure once, where it happened first; the same error on its way out through other calls is none."""
    if isinstance(error, (KeyboardInterrupt, SystemExit, EOFError)) or local.told == id(error):
        return
    local.told = id(error)
    local.busy = True
    try:
        key = (kind, frame.f_code, frame.f_lasti, type(error), type(value))
        _MET[key] = _MET.get(key, 0) + 1
        if _MET[key] > _ALIKE:
            log.write(again={"kind": kind, "pickler": pickler, "error": _said(error), "site": _at(frame, value)})
            return
        stack = list(_stack(frame))
        told: Json = {"kind": kind, "pickler": pickler, "error": _said(error), "root": _what(value), "stack": stack}
        told["site"] = _at(frame, value)
        told.update(thread=threading.current_thread().name, main=_main())
        told["leaves"] = _faults(value, error) if kind == "load" else [*_leaves(kind, value, error, like)]
        log.write(failed=told)
    except Exception as problem:
        log.write(problem="%s while looking into %s" % (_said(problem), _said(error)))
    finally:
        local.busy = False


def _at(frame: Any, value: Any) -> Optional[Json]:
    """Where the user's own code pickled the value or handed it in."""
    caller, through = _own_caller(frame)
    return {**_place(caller), "through": through} if caller is not None else _submitted(value)


def _said(error: BaseException) -> str:
    try:
        message = " ".join(str(error).split())
    except Exception:
        message = ""
    return ("%s: %s" % (type(error).__name__, message))[:300]


def _stack(frame: Any) -> Iterator[Json]:
    """The calls that led here, innermost first."""
    for _ in range(_STACK):
        if frame is None:
            return
        if not frame.f_code.co_filename.startswith((_HERE, "<frozen")):
            yield {**_place(frame), "own": _is_own(frame.f_code)}
        frame = frame.f_back


def _leaves(kind: str, value: Any, error: BaseException, like: Any) -> Iterator[Json]:
    tool = leaves()
    found = tool.unwound(value, error) if kind == "copy" else tool.leaves(value, like, most=20, seconds=3.0)
    for number, leaf in enumerate(found or [tool.Leaf([], value, error)]):
        start, steps = _from_own(value, leaf.steps)
        keeper, attribute = tool.holder(value, leaf.steps)
        cls = keeper if isinstance(keeper, type) else type(keeper)
        place = origins().made(value, leaf.steps, leaf.value, whose.own)
        if place is not None and start in _WRAPPED and not whose.own(place.path):
            place = None  # where the library keeps its own items
        yield {
            "path": tool.written(start, steps),
            "what": tool.described(leaf.value),
            "error": _said(leaf.error if number else error),
            "holder": "%s:%s" % (cls.__module__, cls.__qualname__) if attribute else "",
            "attribute": attribute,
            "made": _made(place),
            "bound": _made(origins().bound(leaf.value, whose.own)),
        }


def _made(place: Any) -> Optional[Json]:
    return place and {"path": _absolute(place.path), "line": place.line, "by": place.by}


_NAMED = (type, type(_said), type(log.write))
_WRAPPED = ("tuple", "_CallItem", "_ResultItem", "BatchedCalls", "CallQueue", "_WorkItem")


def _from_own(value: Any, steps: Any) -> Tuple[str, Any]:
    """The name a path begins with, and the steps from there: what libraries wrap a task in is left out."""
    name = value.__qualname__ if isinstance(value, _NAMED) else type(value).__name__
    if name not in _WRAPPED:
        return str(name), steps
    for number, (_, one) in enumerate(steps[:-1]):
        named = isinstance(one, _NAMED)
        module = getattr(one if named else type(one), "__module__", None) or ""
        if whose.own(getattr(sys.modules.get(module), "__file__", None) or ""):
            return str(one.__qualname__ if named else type(one).__name__), steps[number + 1 :]
    return str(name), steps


def _faults(value: Any, error: BaseException) -> List[Json]:
    """What could not be loaded: `value` is the pickle, or None where it came from a stream."""
    tool = leaves()
    fault = tool.fault(value) if value is not None else None
    name = fault.name if fault is not None else tool.blamed(error)
    place = None
    module, _, rest = name.rpartition(".")
    while module and module not in sys.modules:
        module, _, head = module.rpartition(".")
        rest = head + "." + rest
    try:
        thing = functools.reduce(getattr, rest.split("."), sys.modules[module])
        place = origins().made(None, [], thing, whose.own)
    except (AttributeError, KeyError):
        pass  # that it is not there is what failed
    told = {"path": name, "what": name, "error": _said(error), "holder": "", "attribute": ""}
    return [{**told, "made": _made(place), "bound": None}]


# --- where a task was handed in that fails on another thread --------------------------------------------------------

_SUBMITTED: Dict[int, Json] = {}


def _remember(frame: Any, through: str, *things: Any) -> None:
    caller, outermost = _own_caller(frame)
    if caller is None:
        return
    if len(_SUBMITTED) > 1000:
        for key in list(_SUBMITTED)[:500]:
            _SUBMITTED.pop(key, None)
    place = {**_place(caller), "through": outermost or through}
    for thing in things:
        if thing is not None and not isinstance(thing, (int, str, bytes, float)):
            _SUBMITTED[id(thing)] = place


def _submitted(value: Any, depth: int = 4) -> Optional[Json]:
    """Where the task, or something in it, was handed to the pool or queue that pickles it on a thread of its own."""
    found = _SUBMITTED.get(id(value))
    if found is not None or not depth:
        return found
    parts: Any = ()
    if isinstance(value, (tuple, list)):
        parts = value[:20]
    elif isinstance(value, dict):
        parts = list(value.values())[:20]
    elif isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
    elif type(value).__name__ == "_CallItem":
        parts = list(vars(value).values())
    return next((place for one in parts for place in [_submitted(one, depth - 1)] if place), None)


# --- the patches ----------------------------------------------------------------------------------------------------


class Patched:
    """A function of `pickle` or `copy` that records. No function of Python's: kept on a class it must not bind."""

    def __init__(self, raw: Any, call: Callable[..., Any], module: str) -> None:
        self.__wrapped__, self._call = raw, call
        self.__name__ = self.__qualname__ = raw.__name__
        self.__module__, self.__doc__ = module, raw.__doc__

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._call(*args, **named)

    def __reduce__(self) -> str:
        return str(self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def _dumping(raw: Any) -> Callable[..., Any]:
    def dumps(obj: Any, *args: Any, **named: Any) -> Any:
        if local.busy:
            return raw(obj, *args, **named)
        local.depth += 1
        start = _clock()
        try:
            data = raw(obj, *args, **named)
        except BaseException as error:
            _failed("dump", "pickle.dumps", obj, error, _frame(2))
            raise
        finally:
            local.depth -= 1
            if not local.depth:
                local.told = 0
        _count(_frame(2), "pickle.dumps", obj, len(data), _clock() - start)
        return data

    return dumps


def _loading(raw: Any) -> Callable[..., Any]:
    def loads(data: Any, *args: Any, **named: Any) -> Any:
        try:
            return raw(data, *args, **named)
        except BaseException as error:
            if not local.busy:
                parcel = bytes(data) if isinstance(data, (bytes, bytearray, memoryview)) else None
                _failed("load", "pickle." + raw.__name__, parcel, error, _frame(2))
                local.told = 0
            raise

    return loads


def _writing(raw: Any) -> Callable[..., Any]:
    def dump(obj: Any, file: Any, *args: Any, **named: Any) -> Any:
        if local.busy:
            return raw(obj, file, *args, **named)
        local.depth += 1
        start, before = _clock(), _tell(file)
        try:
            raw(obj, file, *args, **named)
        except BaseException as error:
            _failed("dump", "pickle.dump", obj, error, _frame(2))
            raise
        finally:
            local.depth -= 1
            if not local.depth:
                local.told = 0
        return _count(_frame(2), "pickle.dump", obj, _tell(file) - before, _clock() - start)

    return dump


def _copying(raw: Any) -> Callable[..., Any]:
    def deepcopy(x: Any, *args: Any, **named: Any) -> Any:
        local.depth += 1
        try:
            return raw(x, *args, **named)
        except BaseException as error:
            if not local.busy:
                _failed("copy", "deepcopy", x, error, _frame(2))
            raise
        finally:
            local.depth -= 1
            if not local.depth:
                local.told = 0

    return deepcopy


def _recorded(self: Any, raw: Any, obj: Any, file: Any) -> Any:
    """One `dump` of a pickler object, whose kind decides what can be pickled."""
    if local.busy:
        return raw(self, obj)
    local.depth += 1
    start, before = _clock(), _tell(file)
    try:
        result = raw(self, obj)
    except BaseException as error:
        _failed("dump", _name(self), obj, error, _frame(2), self)
        raise
    finally:
        local.depth -= 1
        if not local.depth:
            local.told = 0
    _count(_frame(2), _name(self), obj, _tell(file) - before, _clock() - start)
    return result


def _name(pickler: Any) -> str:
    kind = type(pickler)
    return "pickle.Pickler" if kind.__module__ in ("_pickle", "pickle") else "%s.%s" % (kind.__module__, kind.__name__)


def _tell(file: Any) -> int:
    try:
        return int(file.tell())
    except Exception:  # a pipe, or a file that only writes
        return 0


def _pickler(raw: Any) -> Any:
    class Pickler(raw):  # type: ignore[misc]
        def __init__(self, file: Any, *args: Any, **named: Any) -> None:
            raw.__init__(self, file, *args, **named)
            self._fixpickle_file = file

        def dump(self, obj: Any) -> Any:
            return _recorded(self, raw.dump, obj, getattr(self, "_fixpickle_file", None))

    Pickler.__module__, Pickler.__qualname__, Pickler.__doc__ = raw.__module__, "Pickler", raw.__doc__
    return Pickler


def _unpickler(raw: Any) -> Any:
    class Unpickler(raw):  # type: ignore[misc]
        def load(self) -> Any:
            try:
                return raw.load(self)
            except BaseException as error:
                if not local.busy:
                    _failed("load", _name(self).replace("Pickler", "Unpickler"), None, error, _frame(1))
                    local.told = 0
                raise

    Unpickler.__module__, Unpickler.__qualname__, Unpickler.__doc__ = raw.__module__, "Unpickler", raw.__doc__
    return Unpickler


def patch_pickle(module: Any) -> None:
    """`pickle`, and the C module behind it under both of its names."""
    accelerated = sys.modules.get("_pickle")
    for name, make in (("dumps", _dumping), ("dump", _writing), ("loads", _loading), ("load", _loading)):
        raw = getattr(module, name)
        made = Patched(raw, make(raw), module.__name__)
        for place in (module, accelerated):
            if getattr(place, name, None) is raw:
                setattr(place, name, made)
    if accelerated is not None:
        for name, wrap in (("Pickler", _pickler), ("Unpickler", _unpickler)):
            kind = wrap(getattr(accelerated, name))
            setattr(accelerated, name, kind)
            setattr(module, name, kind)
    slow, dump = module._Pickler, module._Pickler.dump

    @functools.wraps(dump)
    def recorded(self: Any, obj: Any) -> Any:
        return _recorded(self, dump, obj, None)

    slow.dump = recorded


def patch_copy(module: Any) -> None:
    module.deepcopy = Patched(module.deepcopy, _copying(module.deepcopy), "copy")


def _noting(raw: Any) -> Any:
    """A method that hands a task in, which notes from where."""

    @functools.wraps(raw)
    def call(self: Any, *args: Any, **named: Any) -> Any:
        _remember(_frame(1), "%s.%s" % (raw.__module__, raw.__qualname__), *args[:2], *list(named.values())[:2])
        return raw(self, *args, **named)

    return call


def patch_pool(module: Any) -> None:
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        setattr(module.Pool, name, _noting(getattr(module.Pool, name)))


def patch_queues(module: Any) -> None:
    module.Queue.put = _noting(module.Queue.put)


def patch_futures(module: Any) -> None:
    module.ProcessPoolExecutor.submit = _noting(module.ProcessPoolExecutor.submit)


PATCHES: Dict[str, Callable[[Any], None]] = {
    "pickle": patch_pickle,
    "copy": patch_copy,
    "multiprocessing.pool": patch_pool,
    "multiprocessing.queues": patch_queues,
    "concurrent.futures.process": patch_futures,
    "loky.process_executor": patch_futures,
    "joblib.externals.loky.process_executor": patch_futures,
}


class Watch:
    """First on sys.meta_path: patches a module as soon as it is imported, which is before anybody can use it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        patch = PATCHES.get(fullname)
        if patch is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        run = loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            patch(module)

        loader.exec_module = exec_module
        return spec


whose = _beside("whose")


@functools.lru_cache(None)
def leaves() -> Any:
    """The path finder. It derives from the picklers, and so comes when they are needed."""
    return _beside("leaves")


@functools.lru_cache(None)
def origins() -> Any:
    """What finds the line where something was made."""
    return _beside("origins")


def _after_fork() -> None:
    for _, rows in EVERYBODY:
        rows.clear()
    _MET.clear()
    local.depth, local.told, local.busy = 0, 0, False


def install(folder: str) -> None:
    """Record into `folder` from here on, in this process and those that it starts."""
    log.folder = folder
    if os.environ.get("FIXPICKLE_TRACE_ALLOCATIONS"):
        import tracemalloc

        tracemalloc.start(12)
    log.open()
    for name, patch in PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    sys.meta_path.insert(0, Watch())
    atexit.register(flush)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
