"""`joblib.Parallel` whose workers see the configuration of the thread that called it.

Copied by fixpickle, which put this `Parallel` and `delayed` where joblib's stood, or tpcp's with `register_with_tpcp`.
It needs joblib and the standard library (CPython 3.8 to 3.14). MIT license; edit it as you like.

joblib's workers start with the configuration of a fresh process or a fresh thread. Here it is captured once, when
`Parallel(...)(...)` is called, set around each task, and what a task changed that way is put back after it, because
workers are used again. What travels by itself:

- into processes and threads: the decimal context, numpy's error state and print options, scikit-learn's configuration;
- into processes only, for the threads of one process share them: pandas' options, the filters of `warnings`, the
  levels of loggers that have one.

numpy, pandas and scikit-learn take part where the caller has imported them, the last two with what is not at its
default. `register_worker_state` adds what is yours. With `n_jobs=1` nothing is set: tasks run in the caller's thread.
Where a worker process runs tasks of several calls at once in threads (Dask), what the first of them set for the
process holds until the last has ended.

`delayed` is joblib's own. Half of the pair is not enough: under joblib's `Parallel` its tasks run, but nothing travels.
"""

from __future__ import annotations

import contextlib
import decimal
import functools
import itertools
import logging
import multiprocessing
import os
import pickle
import sys
import threading
import uuid
import warnings
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from joblib import Parallel as _JoblibParallel
from joblib import delayed as delayed

__all__ = [
    "Parallel",
    "WorkerStateError",
    "delayed",
    "register_with_tpcp",
    "register_worker_state",
    "unregister_worker_state",
]


_Values = Mapping[str, Any]
_Callback = Callable[[], Tuple[Any, Callable[[Any], Any]]]


class WorkerStateError(RuntimeError):
    """A state could not be captured, sent, set or put back. The message names the state, the cause says why."""


class _State(NamedTuple):
    """One piece of configuration, as a mapping.

    `read(None)` gives what travels, nothing where that is empty or `library` is not imported. `read(wanted)` gives the
    values in force for the keys in `wanted`, `write(changes)` sets some. `per_thread`: each thread has its own.
    """

    name: str
    library: str
    per_thread: bool
    read: Callable[[Optional[_Values]], _Values]
    write: Callable[[_Values], Any]


# --- ready-made states ----------------------------------------------------------------------------------------------


def _decimal_context(_: Optional[_Values]) -> _Values:
    context = decimal.getcontext()
    fields = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    traps = tuple(signal for signal, trapped in context.traps.items() if trapped)
    return {"traps": traps, **{field: getattr(context, field) for field in fields}}


def _set_decimal_context(changes: _Values) -> None:
    # In place: others may hold the context, and its flags are results of what was computed.
    context = decimal.getcontext()
    for field, value in changes.items():
        if field == "traps":
            context.traps.update({signal: signal in value for signal in context.traps})
        else:
            setattr(context, field, value)


def _numpy_errors(_: Optional[_Values]) -> _Values:
    import numpy

    return {"errcall": numpy.geterrcall(), **numpy.geterr()}


def _set_numpy_errors(changes: _Values) -> None:
    import numpy

    modes = dict(changes)
    if "errcall" in modes:
        numpy.seterrcall(modes.pop("errcall"))
    numpy.seterr(**modes)


def _numpy_print_options(_: Optional[_Values]) -> _Values:
    import numpy

    return dict(numpy.get_printoptions())


def _set_numpy_print_options(changes: _Values) -> None:
    import numpy

    # All of them: numpy resets `formatter` where it is left out.
    numpy.set_printoptions(**{**numpy.get_printoptions(), **changes})


def _sklearn_config(wanted: Optional[_Values]) -> _Values:
    import sklearn

    present: _Values = sklearn.get_config()
    if wanted is not None:
        return present
    # Where all is at its default nothing travels: to import scikit-learn in every worker for nothing takes long.
    defaults = getattr(sys.modules.get("sklearn._config"), "_global_config", {})
    return {key: value for key, value in present.items() if key not in defaults or defaults[key] != value}


def _set_sklearn_config(changes: _Values) -> None:
    import sklearn

    sklearn.set_config(**changes)


def _pandas_options(wanted: Optional[_Values]) -> _Values:
    import pandas

    if wanted is not None:
        return {key: pandas.get_option(key) for key in wanted}
    # pandas has no public way to ask for defaults; these two names are the same in pandas 1.0 and 3.1.
    config: Any = sys.modules["pandas._config.config"]
    tree: Any = config._global_config
    present = {key: functools.reduce(dict.__getitem__, key.split("."), tree) for key in config._registered_options}
    return {key: value for key, value in present.items() if _differ(value, config._registered_options[key].defval)}


def _set_pandas_options(changes: _Values) -> None:
    import pandas

    for key, value in changes.items():
        pandas.set_option(key, value)


def _filters_in_force() -> Any:
    # From 3.14 on they may belong to the context instead of the module.
    of_context = getattr(warnings, "_get_filters", None)
    return warnings.filters if of_context is None else of_context()


def _warning_filters(_: Optional[_Values]) -> _Values:
    return {"filters": tuple(_filters_in_force())}


def _set_warning_filters(changes: _Values) -> None:
    # The reset makes modules forget which warnings they have shown, without which new filters would not count.
    warnings.resetwarnings()
    _filters_in_force()[:] = changes["filters"]


def _logging_levels(wanted: Optional[_Values]) -> _Values:
    # "" stands for `logging.disable`. A placeholder in the dictionary is not a logger yet.
    if wanted is not None:
        return {name: _logger(name).level if name else logging.root.manager.disable for name in wanted}
    known = list(logging.root.manager.loggerDict.items())
    levels = {name: item.level for name, item in known if isinstance(item, logging.Logger) and item.level}
    return {**levels, "": logging.root.manager.disable, "root": logging.root.level}


def _set_logging_levels(changes: _Values) -> None:
    for name, level in changes.items():
        if name:
            _logger(name).setLevel(level)
        else:
            logging.disable(level)


def _logger(name: str) -> logging.Logger:
    # Before 3.9 getLogger("root") gives another logger than the root.
    return logging.root if name == "root" else logging.getLogger(name)


_READY_MADE = (
    _State("decimal context", "decimal", True, _decimal_context, _set_decimal_context),
    _State("numpy error state", "numpy", True, _numpy_errors, _set_numpy_errors),
    _State("numpy print options", "numpy", True, _numpy_print_options, _set_numpy_print_options),
    _State("scikit-learn configuration", "sklearn", True, _sklearn_config, _set_sklearn_config),
    _State("pandas options", "pandas", False, _pandas_options, _set_pandas_options),
    _State("warning filters", "warnings", False, _warning_filters, _set_warning_filters),
    _State("logging levels", "logging", False, _logging_levels, _set_logging_levels),
)


# --- states of your own ---------------------------------------------------------------------------------------------

_registered: Dict[str, _State] = {}


def register_worker_state(callback: _Callback, *, name: Optional[str] = None, per_thread: bool = False) -> str:
    """Let a state of your own travel to workers. Returns the name it is registered under.

    `callback()` returns `(value, setter)`: the value in force, and a function that sets one. It is called in the thread
    that calls `Parallel`, and again in the worker, where its setter sets the value that came along and, after the task,
    the value that was there. The callback and its value must be picklable, the setter need not be.

    `name` is the callback's own by default; to register a name again replaces it. `per_thread=True` says that each
    thread has its own value (`threading.local`, a context variable). Any other value is left alone in threads of the
    caller's process, which see it already. Callbacks written for `tpcp.parallel` fit.
    """
    known_as = name or f"{callback.__module__}.{getattr(callback, '__qualname__', callback)}"
    read, write = functools.partial(_value, callback), functools.partial(_set_value, callback)
    _registered[known_as] = _State(known_as, "sys", per_thread, read, write)
    return known_as


def unregister_worker_state(name: str) -> None:
    """Take back `register_worker_state`. Raises KeyError where nothing is registered under that name."""
    del _registered[name]


def _value(callback: _Callback, _: Optional[_Values]) -> _Values:
    return {"value": callback()[0]}


def _set_value(callback: _Callback, changes: _Values) -> None:
    callback()[1](changes["value"])


# --- capture, send, set, put back -----------------------------------------------------------------------------------


class _Capture(NamedTuple):
    state: _State
    value: _Values


class _Undo(NamedTuple):
    state: _State
    former: _Values


class _Here(threading.local):
    """Which thread this is, and the registered states that came with its task, for tasks it starts in turn."""

    serials = itertools.count()

    def __init__(self) -> None:
        self.serial = next(self.serials)
        self.states: Mapping[str, _State] = {}


_here = _Here()
# A forked child inherits it, and a process of another machine may have the same id: only both together tell.
_PROCESS = uuid.uuid4().hex


class _Snapshot:
    """What was captured, once for one call. It is pickled once, however many tasks take it along."""

    def __init__(self, states: Iterable[_State]) -> None:
        self.process = (_PROCESS, os.getpid())
        self.thread = _here.serial
        self.captures = tuple(capture for capture in map(_capture, states) if capture.value)
        self._packed: Tuple[Tuple[str, bytes], ...] = ()

    def __reduce__(self) -> Any:
        self._packed = self._packed or tuple((capture.state.name, _pack(capture)) for capture in self.captures)
        return _Arrived, (self.process, self._packed)


class _Arrived:
    """A snapshot in another process."""

    thread = -1

    def __init__(self, process: Tuple[str, int], packed: Tuple[Tuple[str, bytes], ...]) -> None:
        self.process = process
        self.packed = packed

    @property
    def captures(self) -> Tuple[_Capture, ...]:
        return _unpack(self.packed)


def _capture(state: _State) -> _Capture:
    try:
        return _Capture(state, state.read(None) if state.library in sys.modules else {})
    except Exception as error:
        raise _failure(state.name, "could not be captured", error) from error


def _pack(capture: _Capture) -> bytes:
    # The pickler that joblib sends its tasks with. It cannot be imported where there are no processes.
    from joblib.externals.loky.backend.reduction import dumps

    try:
        return bytes(dumps(capture))
    except Exception as error:
        raise _failure(capture.state.name, "could not be pickled", error) from error


@functools.lru_cache(maxsize=4)
def _unpack(packed: Tuple[Tuple[str, bytes], ...]) -> Tuple[_Capture, ...]:
    return tuple(_unpack_one(name, data) for name, data in packed)


def _unpack_one(name: str, data: bytes) -> _Capture:
    try:
        capture: _Capture = pickle.loads(data)
    except Exception as error:
        raise _failure(name, "could not be unpickled in the worker", error) from error
    return capture


def _failure(name: str, what: str, error: Exception) -> WorkerStateError:
    return WorkerStateError(f"the worker state {name!r} {what}: {type(error).__name__}: {error}")


def _differ(one: Any, other: Any) -> bool:
    try:
        return bool(one != other)
    except Exception:  # as arrays do: to set a value again does no harm
        return True


def _apply(captures: Iterable[_Capture]) -> List[_Undo]:
    """Set what differs, and give what puts it back. Where one state fails those before it are put back."""
    undo: List[_Undo] = []
    for state, wanted in captures:
        try:
            present = state.read(wanted)
            if not _differ(wanted, present):
                continue  # nearly always, and for every task: all at once costs a third of one by one
            # A key that only another release of a library knows is left out.
            changes = {k: value for k, value in wanted.items() if k in present and _differ(value, present[k])}
            if changes:
                undo.append(_Undo(state, {key: present[key] for key in changes}))
                state.write(changes)
        except Exception as error:
            # What cannot be set can seldom be put back; the first failure is the one to tell.
            with contextlib.suppress(WorkerStateError):
                _put_back(undo)
            raise _failure(state.name, "could not be set in the worker", error) from error
    return undo


def _put_back(undo: List[_Undo]) -> None:
    failure = None
    for state, former in reversed(undo):
        try:
            state.write(former)
        except Exception as error:
            failure = failure or (_failure(state.name, "could not be put back in the worker", error), error)
    if failure:
        raise failure[0] from failure[1]


class _ProcessWide:
    """What running tasks have set for this whole process: the first sets it, the last puts it back."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.tasks = 0
        self.undo: List[_Undo] = []

    @contextlib.contextmanager
    def holding(self, captures: Iterable[_Capture]) -> Iterator[None]:
        with self.guard:
            if not self.tasks:
                self.undo = _apply(captures)
            self.tasks += 1
        try:
            yield
        finally:
            with self.guard:
                self.tasks -= 1
                if not self.tasks:
                    _put_back(self.undo)


_process_wide = _ProcessWide()
if hasattr(os, "register_at_fork"):
    # The tasks that run while a process forks do not run in the child.
    os.register_at_fork(after_in_child=functools.partial(_ProcessWide.__init__, _process_wide))


def _run(snapshot: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """A task, under the configuration of the snapshot."""
    if snapshot.thread == _here.serial:
        return function(*args, **kwargs)
    captures = snapshot.captures
    outer = _here.states
    undo = _apply(capture for capture in captures if capture.state.per_thread)
    try:
        _here.states = {capture.state.name: capture.state for capture in captures}
        if snapshot.process == (_PROCESS, os.getpid()):
            return function(*args, **kwargs)
        with _process_wide.holding(capture for capture in captures if not capture.state.per_thread):
            return function(*args, **kwargs)
    finally:
        _here.states = outer
        _put_back(undo)


class Parallel(_JoblibParallel):  # type: ignore[misc]
    """`joblib.Parallel`, with its arguments; tasks run under the configuration of the thread that calls it."""

    def __call__(self, iterable: Iterable[Any]) -> Any:
        states = {**{state.name: state for state in _READY_MADE}, **_here.states, **_registered}
        snapshot = _Snapshot(states.values())
        tasks = ((functools.partial(_run, snapshot, function), args, kwargs) for function, args, kwargs in iterable)
        # joblib takes the number of tasks from `len`, and tasks that have one exist already.
        return super().__call__(list(tasks) if hasattr(iterable, "__len__") else tasks)


# --- with tpcp's pair -----------------------------------------------------------------------------------------------


class _Set(threading.local):
    """What the tasks that run in this thread have set, and what puts it back: a task may run tasks in turn."""

    def __init__(self) -> None:
        self.undo: List[List[_Undo]] = []


_set = _Set()
_with_tpcp: Dict[str, None] = {}


def register_with_tpcp(*libraries: str) -> None:
    """Let the ready-made states of `libraries` travel with tpcp's `Parallel` and `delayed`. Needs tpcp 3.

    They are "decimal", "logging", "numpy", "pandas", "sklearn" and "warnings"; what is called again is added. tpcp
    captures where `delayed(f)` is called: call it in front of the generator of tasks, since joblib advances that on
    another thread. What a task set in a worker is put back after it.

    Raises ValueError for another name, ImportError where tpcp is missing or older.
    """
    if unknown := sorted({*libraries} - {state.library for state in _READY_MADE}):
        raise ValueError(f"no state is ready-made for {', '.join(unknown)}")
    from tpcp import parallel

    if not hasattr(parallel, "register_parallel_side_channel"):
        raise ImportError("register_with_tpcp needs tpcp 3, whose side channels put back what a task set")
    name = f"{__name__}: worker states"
    _with_tpcp.update(dict.fromkeys(libraries))
    with contextlib.suppress(KeyError):
        parallel.remove_global_parallel_callback(name)
        parallel.remove_parallel_side_channel(name)
    parallel.register_global_parallel_callback(_captured_for_tpcp, name)
    # A setter of tpcp's is never undone. A side channel is left when the task ends, and it is entered after the setter.
    parallel.register_parallel_side_channel(_take_part, _put_back_at_the_end, _take_part, name)


def _captured_for_tpcp() -> Tuple[_Snapshot, Callable[[Any], None]]:
    return _Snapshot(state for state in _READY_MADE if state.library in _with_tpcp), _set_in_worker


def _set_in_worker(snapshot: Any) -> None:
    _set.undo.append(_apply(snapshot.captures))


@contextlib.contextmanager
def _put_back_at_the_end(_: Any) -> Iterator[Callable[[], None]]:
    # In a thread of the caller's process tpcp calls no setter, and there is nothing to put back.
    undo = _set.undo.pop() if _set.undo and multiprocessing.parent_process() is not None else []
    try:
        yield _nothing
    finally:
        _put_back(undo)


def _take_part(_: Any = None) -> bool:
    return True


def _nothing() -> None:
    return None
