"""The recorder: inside every Python process of a traced program, writes down what is pickled and what cannot be.

Standard library alone, any CPython from 3.8. Loaded by its path from `hook/sitecustomize.py`. `pickle` and `copy` are
patched when the program first imports them, before anything can derive a class from their picklers, so that
multiprocessing, concurrent.futures, joblib, loky, cloudpickle and Ray all come through here.

Each process appends lines of JSON to a file of its own. A line is {"begin": ...} for the process, {"failed": ...} for a
failure, or {"sites": [...]} with what was pickled where since the last such line.
"""

from __future__ import annotations

import atexit
import importlib.machinery
import itertools
import os
import sys
import time
from _thread import RLock, _local, allocate_lock

TYPE_CHECKING = False  # `typing` itself takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    Json = Dict[str, Any]

_HERE = os.path.dirname(os.path.abspath(__file__))
_clock = time.perf_counter
_frame = sys._getframe
_EVERY = 0.25  # seconds between two writes of what was pickled
_EXACT, _SAMPLE, _LARGE = 1000, 17, 4096  # calls that all count; then one of so many does, and whatever has that size
_ALIKE = 3  # failures of one kind at one place that are looked into; of more only the number is told
_STACK = 40


def _beside(name: str) -> Any:
    path = os.path.join(os.path.dirname(_HERE), "verify", name + ".py")
    loader = importlib.machinery.SourceFileLoader("_fixpickle_" + name, path)
    module = sys.modules[loader.name] = type(sys)(loader.name)
    module.__file__ = path
    loader.exec_module(module)
    return module


_importing: Any = RLock()
"""Held where this file imports. A process that is forked meanwhile would find the module locked for ever."""

local: Any = _local()
"""`busy` is true in a thread that looks into a failure: what is pickled there is not the program's doing."""


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
            version = "%d.%d.%d" % sys.version_info[:3]
            begin = '{"begin": {"pid": %d, "parent": %d, "python": "%s"}}\n'  # `json` is not loaded for it
            self._append((begin % (self.pid, os.getppid(), version)).encode())

    def write(self, **line: Any) -> None:
        with _importing:
            import json

        self.open()
        if not self.main:
            self.main = _main()  # which is not known at the start
            if self.main:
                self.write(main=self.main, pid=self.pid)
        self._append((json.dumps(line) + "\n").encode("utf-8", "backslashreplace"))

    def _append(self, data: bytes) -> None:
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # the folder is gone: the tracer has ended before us
        try:
            os.write(file, data)
        finally:
            os.close(file)


log = Log("")


def _main() -> str:
    path = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return os.path.abspath(path) if path else ""


# --- what went well -------------------------------------------------------------------------------------------------
# A row is [count, bytes, seconds, largest, (pickler, place), what], by the line of code, and of calls that a library
# makes by the library's function too.

_ROWS: Dict[Any, List[Any]] = {}
_AGAIN: Dict[Any, List[Any]] = {}
_calls = itertools.count(1).__next__
_counting = allocate_lock()
_next = 0.0


def _count(frame: Any, pickler: str, value: Any, size: int, start: float, number: int) -> None:
    """One call, or the one of so many that stands for all where there are many."""
    now = _clock()
    weight = 1 if number <= _EXACT or size >= _LARGE else _SAMPLE
    key: Any = (frame.f_code, frame.f_lasti)
    row = _ROWS.get(key) if _is_own(frame.f_code) else None
    if row is None:
        key, place = _whence(frame, value)
        row = _ROWS.get(key)
        if row is None:
            row = _ROWS[key] = [0, 0, 0.0, 0, (pickler, place), ""]
    with _counting:
        row[0] += weight
        row[1] += weight * size
        row[2] += weight * (now - start)
        if size > row[3]:
            if size > 2 * row[3]:
                row[5] = _what(value)
            row[3] = size
    if now > _next:
        flush()


def _whence(frame: Any, value: Any) -> Tuple[Any, Json]:
    """The line of the user's own that the call comes from, or else the library's; and what that is counted under."""
    caller, through = _own_caller(frame)
    if caller is frame:
        return (frame.f_code, frame.f_lasti), {**_place(frame), "through": ""}
    if caller is not None:
        return (caller.f_code, caller.f_lasti, through), {**_place(caller), "through": through}
    place = _submitted(value) or {**_place(frame), "own": False}
    return (place["path"], place["line"], place.get("through", "")), place


def flush() -> None:
    """Write what was pickled, and how often what was told of failed again, since the last time."""
    global _next
    _next = _clock() + _EVERY
    with _counting:
        sites = [[*row[4], *row[:4], row[5]] for row in list(_ROWS.values()) if row[0]]
        for row in list(_ROWS.values()):
            row[0], row[1], row[2] = 0, 0, 0.0
        again = [[*told, times] for told, times in _AGAIN.values() if times]
        for one in _AGAIN.values():
            one[1] = 0
    if sites:
        log.write(sites=sites)
    for kind, pickler, error, site, times in again:
        log.write(again={"kind": kind, "pickler": pickler, "error": error, "site": site, "times": times})


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
    elif depth and type(value).__name__ == "partial":
        yield from _methods((value.func, value.args, value.keywords), depth - 1)
    elif depth and type(value).__name__ in ("_CallItem", "BatchedCalls"):
        yield from _methods(vars(value), depth - 1)


# --- what failed ----------------------------------------------------------------------------------------------------

_MET: Dict[Any, int] = {}


def _failed(kind: str, pickler: str, value: Any, error: BaseException, frame: Any, like: Any = None) -> None:
    """Tell of a failure once, where it happened first; the same error on its way out through other calls is none."""
    if isinstance(error, (KeyboardInterrupt, SystemExit, EOFError)) or _busy() or _told(error):
        return
    local.busy = True
    held = _importing.acquire(timeout=5.0)  # never for ever: the thread that has it may wait for this one
    try:
        key = (kind, frame.f_code, frame.f_lasti, type(error), type(value))
        _MET[key] = _MET.get(key, 0) + 1
        if _MET[key] > _ALIKE:
            known = _AGAIN.get(key)
            if known is None:
                known = _AGAIN[key] = [(kind, pickler, _said(error), _at(frame, value)), 0]
            known[1] += 1
            if _clock() > _next:
                flush()
            return
        stack = list(_stack(frame))
        told: Json = {"kind": kind, "pickler": pickler, "error": _said(error), "root": _what(value), "stack": stack}
        told["site"] = _at(frame, value)
        told.update(thread=_thread_name(), main=_main())
        told["leaves"] = _faults(value, error) if kind == "load" else [*_leaves(kind, value, error, like)]
        log.write(failed=told)
    except Exception as problem:
        log.write(problem="%s while looking into %s" % (_said(problem), _said(error)))
    finally:
        if "origins" in _LOADED:
            _LOADED["origins"].forget()
        if held:
            _importing.release()
        local.busy = False


def _busy() -> bool:
    return getattr(local, "busy", False)


def _told(error: BaseException) -> bool:
    """Whether another call of ours, inside the one that it now leaves, has told of the error."""
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE and trace.tb_frame.f_code.co_name in _RECORDING:
            return True
        trace = trace.tb_next
    return False


_FILE = os.path.abspath(__file__)
_RECORDING = ("dumps", "dump", "loads", "load", "deepcopy")


def _thread_name() -> str:
    import threading

    return threading.current_thread().name


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
        thing: Any = sys.modules[module]
        for part in rest.split("."):
            thing = getattr(thing, part)
        place = origins().made(None, [], thing, whose.own)
    except (AttributeError, KeyError):
        pass  # that it is not there is what failed
    told = {"path": name, "what": name, "error": _said(error), "holder": "", "attribute": ""}
    return [{**told, "made": _made(place), "bound": None}]


# --- where a task was handed in that fails on another thread --------------------------------------------------------

_SUBMITTED: Dict[int, Tuple[type, Json]] = {}


_PLACES: Dict[Any, Json] = {}


_PLAIN = frozenset({type(None), bool, int, str, bytes, float})


def _remember(frame: Any, raw: Any, things: Any) -> None:
    place = _PLACES.get((frame.f_code, frame.f_lasti)) or _placed(frame, raw)
    if not place:
        return
    if len(_SUBMITTED) > 1000:
        for old in list(_SUBMITTED)[:500]:
            _SUBMITTED.pop(old, None)
    for thing in things:
        if type(thing) not in _PLAIN:
            _SUBMITTED[id(thing)] = (type(thing), place)  # another object of that type may have the number later


def _placed(frame: Any, raw: Any) -> Json:
    caller, outermost = _own_caller(frame)
    if caller is None:
        return {}
    place = {**_place(caller), "through": outermost or "%s.%s" % (raw.__module__, raw.__qualname__)}
    if caller is frame:
        _PLACES[frame.f_code, frame.f_lasti] = place
    return place


def _submitted(value: Any, depth: int = 4) -> Optional[Json]:
    """Where the task, or something in it, was handed to the pool or queue that pickles it on a thread of its own."""
    kind, found = _SUBMITTED.get(id(value), (None, None))
    if kind is type(value):
        return found
    if not depth:
        return None
    parts: Any = ()
    if isinstance(value, (tuple, list)):
        parts = value[:20]
    elif isinstance(value, dict):
        parts = list(value.values())[:20]
    elif type(value).__name__ == "partial":
        parts = (value.func, value.args, value.keywords)
    elif type(value).__name__ == "_CallItem":
        parts = list(vars(value).values())
    return next((place for one in parts for place in [_submitted(one, depth - 1)] if place), None)


# --- the patches ----------------------------------------------------------------------------------------------------


class Patched:
    """A function of `pickle` or `copy` that records. No function of Python's: kept on a class it must not bind."""

    def __init__(self, raw: Any, module: str) -> None:
        self.__wrapped__ = raw
        self.__name__ = self.__qualname__ = raw.__name__
        self.__module__, self.__doc__ = module, raw.__doc__

    def __reduce__(self) -> str:
        return str(self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def _called(dumps: Callable[..., Any]) -> Any:
    """The class whose instances are called by that function: one call of Python's, and not two."""
    return type("Patched", (Patched,), {"__call__": dumps})


def _dumping(raw: Any) -> Any:
    def dumps(
        _self: Any, obj: Any, protocol: Any = None, *, fix_imports: Any = True, buffer_callback: Any = None
    ) -> Any:
        start = _clock()
        try:
            if protocol is None is buffer_callback and fix_imports is True:
                data = raw(obj)  # without keywords twice as fast
            else:
                data = raw(obj, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback)
        except BaseException as error:
            _failed("dump", "pickle.dumps", obj, error, _frame(1))
            raise
        number = _calls()
        if number % _SAMPLE and number > _EXACT and len(data) < _LARGE:
            return data
        _count(_frame(1), "pickle.dumps", obj, len(data), start, number)
        return data

    return dumps


def _writing(raw: Any) -> Any:
    def dump(_self: Any, obj: Any, file: Any, *args: Any, **named: Any) -> Any:
        start, before = _clock(), _tell(file)
        try:
            raw(obj, file, *args, **named)
        except BaseException as error:
            _failed("dump", "pickle.dump", obj, error, _frame(1))
            raise
        number, size = _calls(), _tell(file) - before
        if not (number % _SAMPLE and number > _EXACT and size < _LARGE):
            _count(_frame(1), "pickle.dump", obj, size, start, number)

    return dump


def _loading(raw: Any) -> Any:
    name = "pickle." + raw.__name__

    def loads(_self: Any, data: Any, *args: Any, **named: Any) -> Any:
        try:
            return raw(data, *args, **named)
        except BaseException as error:
            parcel = bytes(data) if isinstance(data, (bytes, bytearray, memoryview)) else None
            _failed("load", name, parcel, error, _frame(1))
            raise

    return loads


def _copying(raw: Any) -> Any:
    def deepcopy(_self: Any, x: Any, *args: Any, **named: Any) -> Any:
        try:
            return raw(x, *args, **named)
        except BaseException as error:
            _failed("copy", "deepcopy", x, error, _frame(1))
            raise

    return deepcopy


def _name(pickler: Any) -> str:
    return _kind(type(pickler))


def _kind(kind: Any) -> str:
    return "pickle.Pickler" if kind.__module__ in ("_pickle", "pickle") else "%s.%s" % (kind.__module__, kind.__name__)


def _tell(file: Any) -> int:
    try:
        return int(file.tell())
    except Exception:  # a pipe, or a file that only writes
        return 0


def _pickler(raw: Any) -> Any:
    raw_dump = raw.dump

    class Pickler(raw):  # type: ignore[misc]
        def dump(self, obj: Any) -> Any:
            try:
                return raw_dump(self, obj)
            except BaseException as error:
                _failed("dump", _name(self), obj, error, _frame(1), self)
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
                _failed("load", _name(self).replace("Pickler", "Unpickler"), None, error, _frame(1))
                raise

    Unpickler.__module__, Unpickler.__qualname__, Unpickler.__doc__ = raw.__module__, "Unpickler", raw.__doc__
    return Unpickler


def patch_pickle(module: Any) -> None:
    """`pickle`, and the C module behind it under both of its names."""
    accelerated = sys.modules.get("_pickle")
    for name, make in (("dumps", _dumping), ("dump", _writing), ("loads", _loading), ("load", _loading)):
        raw = getattr(module, name)
        made = _called(make(raw))(raw, module.__name__)
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


def _slow(raw: Any) -> Any:
    def dump(self: Any, obj: Any) -> Any:
        try:
            return raw(self, obj)
        except BaseException as error:
            _failed("dump", _name(self), obj, error, _frame(1))
            raise

    return _like(raw, dump)


def patch_copy(module: Any) -> None:
    module.deepcopy = _called(_copying(module.deepcopy))(module.deepcopy, "copy")


def patch_forking(module: Any) -> None:
    """Every pickle of multiprocessing and concurrent.futures comes out of here, in which a size can be seen."""
    kind = module.ForkingPickler
    raw = vars(kind)["dumps"].__func__

    def counted(cls: Any, obj: Any, protocol: Any = None) -> Any:
        start = _clock()
        data = raw(cls, obj, protocol)
        number = _calls()
        if not (number % _SAMPLE and number > _EXACT and len(data) < _LARGE):
            _count(_frame(1), _kind(cls), obj, len(data), start, number)
        return data

    kind.dumps = classmethod(_like(raw, counted))
    module.dump = _measured(module.dump)


def patch_cloudpickle(module: Any) -> None:
    raw = module.dumps

    def counted(obj: Any, *args: Any, **named: Any) -> Any:
        start = _clock()
        data = raw(obj, *args, **named)
        number = _calls()
        if not (number % _SAMPLE and number > _EXACT and len(data) < _LARGE):
            _count(_frame(1), "cloudpickle", obj, len(data), start, number)
        return data

    module.dumps = _like(raw, counted)


def patch_loky(module: Any) -> None:
    module.dump = _measured(module.dump)


def _measured(raw: Any) -> Any:
    """A function that pickles its first argument into the file that is its second one."""

    def counted(obj: Any, file: Any, *args: Any, **named: Any) -> Any:
        start, before = _clock(), _tell(file)
        raw(obj, file, *args, **named)
        number, size = _calls(), _tell(file) - before
        if not (number % _SAMPLE and number > _EXACT and size < _LARGE):
            _count(_frame(1), raw.__module__, obj, size, start, number)

    return _like(raw, counted)


def _like(raw: Any, made: Any) -> Any:
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(made, name, getattr(raw, name, None))
    made.__wrapped__ = raw
    return made


def _noting(raw: Any) -> Any:
    """A method that hands a task in, which notes from where."""

    def call(self: Any, *args: Any, **named: Any) -> Any:
        _remember(_frame(1), raw, (*args[:2], *named.values()) if named else args[:2])
        return raw(self, *args, **named)

    return _like(raw, call)


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
    "multiprocessing.reduction": patch_forking,
    "cloudpickle.cloudpickle": patch_cloudpickle,
    "joblib.externals.cloudpickle.cloudpickle": patch_cloudpickle,
    "ray.cloudpickle.cloudpickle": patch_cloudpickle,
    "loky.backend.reduction": patch_loky,
    "joblib.externals.loky.backend.reduction": patch_loky,
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


_LOADED: Dict[str, Any] = {}


def leaves() -> Any:
    """The path finder. It derives from the picklers, and so comes when they are needed."""
    return _LOADED.get("leaves") or _LOADED.setdefault("leaves", _beside("leaves"))


def origins() -> Any:
    """What finds the line where something was made."""
    return _LOADED.get("origins") or _LOADED.setdefault("origins", _beside("origins"))


_HELD: List[bool] = []


def _before_fork() -> None:
    # Not for ever: what is looked into may itself wait for the thread that forks.
    _HELD.append(_importing.acquire(timeout=5.0))


def _after_fork_in_parent() -> None:
    if _HELD.pop():
        _importing.release()


def _after_fork() -> None:
    global _counting, _importing
    _counting, _importing = allocate_lock(), RLock()
    _HELD.clear()
    _ROWS.clear()
    _AGAIN.clear()
    _MET.clear()
    local.busy = False


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
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)
