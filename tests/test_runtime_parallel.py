"""`fixpickle.runtime.parallel` on real joblib: every task sees the caller's configuration, and nothing stays behind."""

from __future__ import annotations

import contextlib
import decimal
import importlib
import inspect
import logging
import pickle
import subprocess
import sys
import threading
import warnings

import pytest

joblib = pytest.importorskip("joblib")

from fixpickle.runtime.parallel import (  # noqa: E402
    Parallel,
    WorkerStateError,
    delayed,
    register_worker_state,
    unregister_worker_state,
)

TASKS = """
import decimal, logging, os, threading, time, warnings
from fixpickle.runtime.parallel import Parallel, delayed

setting, own = "default", threading.local()


def setting_state():
    def setter(value):
        global setting
        setting = value
    return setting, setter


def own_state():
    return getattr(own, "value", 0), lambda value: setattr(own, "value", value)


def broken_here():
    raise ValueError("broken here")


def broken_there():
    def setter(value):
        raise ValueError("broken there")
    return os.getpid(), setter


def unpicklable():
    return threading.Lock(), print


def precision(_=None):
    time.sleep(0.001)
    return decimal.getcontext().prec


def everything(_=None):
    return {
        "prec": decimal.getcontext().prec,
        "inexact": decimal.getcontext().traps[decimal.Inexact],
        "filters": list(warnings.filters),
        "root": logging.getLogger().level,
        "mine": logging.getLogger("mine").level,
        "disable": logging.root.manager.disable,
    }


def libraries(_=None):
    import numpy, pandas, sklearn
    return (
        sklearn.get_config()["transform_output"],
        pandas.get_option("display.max_rows"),
        numpy.geterr()["divide"],
        numpy.get_printoptions()["precision"],
    )


def assume_finite(_=None):
    import sklearn
    time.sleep(0.001)
    return sklearn.get_config()["assume_finite"]


def settings(_=None):
    return setting, getattr(own, "value", 0)


def nested(how, task=precision):
    return Parallel(**how)(delayed(task)(i) for i in range(6))


class Odd(Exception):
    def __init__(self, code, *, detail=None):
        super().__init__(code)
        self.code = code


def fails(error):
    decimal.getcontext().prec += 1
    raise error


def imported(name):
    import sys
    return name in sys.modules
"""
LOKY = {"n_jobs": 2, "backend": "loky"}
THREADS = {"n_jobs": 2, "backend": "threading"}
FORKED = {"n_jobs": 2, "backend": "multiprocessing"}
ALONE = {"n_jobs": 1}
PLACES = [LOKY, THREADS, FORKED, ALONE]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Tasks that workers import, in workers started for this module."""
    reusable = pytest.importorskip("joblib.externals.loky").get_reusable_executor
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "parallel_tasks.py").write_text(TASKS)
    sys.path.insert(0, str(folder))
    reusable().shutdown(wait=True, kill_workers=True)
    yield importlib.import_module("parallel_tasks")
    reusable().shutdown(wait=True, kill_workers=True)
    sys.path.remove(str(folder))
    del sys.modules["parallel_tasks"]


@pytest.fixture(params=PLACES, ids=lambda how: how.get("backend", "sequential"))
def place(request):
    return request.param


@contextlib.contextmanager
def registered(callback, **options):
    name = register_worker_state(callback, **options)
    try:
        yield name
    finally:
        unregister_worker_state(name)


@contextlib.contextmanager
def levels(root, mine, disable):
    logger = logging.getLogger("mine")
    former = logging.root.level, logger.level, logging.root.manager.disable
    try:
        logging.root.setLevel(root), logger.setLevel(mine), logging.disable(disable)
        yield
    finally:
        logging.root.setLevel(former[0]), logger.setLevel(former[1]), logging.disable(former[2])


# --- it travels, and does not stay ----------------------------------------------------------------------------------


def test_every_task_sees_what_the_caller_sees(tasks, place):
    with decimal.localcontext() as context, warnings.catch_warnings(), levels(35, 15, 5):
        context.prec = 11
        context.traps[decimal.Inexact] = True
        warnings.filterwarnings("error", message="seen", category=ImportWarning)
        expected = tasks.everything()
        assert Parallel(**place)(delayed(tasks.everything)(i) for i in range(20)) == [expected] * 20


def test_nothing_is_left_for_a_later_plain_call_in_the_same_workers(tasks, place):
    before = joblib.Parallel(**place)(joblib.delayed(tasks.everything)(i) for i in range(8))
    with decimal.localcontext() as context, warnings.catch_warnings(), levels(35, 15, 5):
        context.prec = 11
        warnings.simplefilter("error", ImportWarning)
        Parallel(**place)(delayed(tasks.everything)(i) for i in range(8))
    assert joblib.Parallel(**place)(joblib.delayed(tasks.everything)(i) for i in range(8)) == before


def test_the_state_is_that_of_the_call_though_tasks_are_made_and_read_later(tasks):
    made_in = set()

    def lazily():
        for i in range(60):
            made_in.add(threading.get_ident())
            yield delayed(tasks.precision)(i)

    for how in (LOKY, THREADS):
        with decimal.localcontext() as context:
            context.prec = 13
            results = Parallel(**how, return_as="generator")(lazily())
        assert decimal.getcontext().prec != 13
        assert list(results) == [13] * 60
    assert len(made_in) > 1, "joblib makes later tasks in a thread of its own; otherwise this shows nothing"


@pytest.mark.parametrize("how", ["generator", "generator_unordered"])
def test_generators_are_given_where_joblib_gives_them_and_all_of_their_tasks_see_it(tasks, place, how):
    outcomes = []
    for parallel in (joblib.Parallel, Parallel):
        with decimal.localcontext() as context:
            context.prec = 12
            try:
                results = parallel(**place, return_as=how)(delayed(tasks.precision)(i) for i in range(30))
            except ValueError as error:
                outcomes.append(str(error).partition(" object at ")[0])
            else:
                outcomes.append(inspect.isgenerator(results))
                seen = list(results)
    assert outcomes[0] == outcomes[1]
    assert outcomes[1] is not True or seen == [12] * 30
    assert (outcomes[1] is True) == (place is not FORKED)


def test_an_abandoned_generator_leaves_nothing_in_its_workers(tasks):
    before = joblib.Parallel(**LOKY)(joblib.delayed(tasks.everything)(i) for i in range(8))
    with decimal.localcontext() as context, warnings.catch_warnings(), levels(35, 15, 5):
        context.prec = 12
        results = Parallel(**LOKY, return_as="generator")(delayed(tasks.precision)(i) for i in range(200))
        assert next(results) == 12
        with warnings.catch_warnings(record=True):  # joblib's own, of the tasks that nobody waits for
            results.close()
    assert joblib.Parallel(**LOKY)(joblib.delayed(tasks.everything)(i) for i in range(8)) == before


def test_plain_joblib_loses_it(tasks):
    with decimal.localcontext() as context:
        context.prec = 14
        assert 14 not in joblib.Parallel(**LOKY)(joblib.delayed(tasks.precision)(i) for i in range(4))


@pytest.mark.parametrize("outer", PLACES, ids=lambda how: how.get("backend", "sequential"))
@pytest.mark.parametrize("inner", [LOKY, THREADS, ALONE], ids=lambda how: how.get("backend", "sequential"))
def test_inner_tasks_see_what_the_outer_call_saw(tasks, outer, inner):
    with decimal.localcontext() as context:
        context.prec = 15
        assert Parallel(**outer)(delayed(tasks.nested)(inner) for _ in range(2)) == [[15] * 6] * 2


def test_one_parallel_object_captures_anew_at_each_call(tasks):
    with Parallel(**LOKY) as parallel, decimal.localcontext() as context:
        for precision in (21, 22):
            context.prec = precision
            assert parallel([delayed(tasks.precision)(i) for i in range(6)]) == [precision] * 6


def test_tasks_in_threads_leave_alone_what_the_process_shares(tasks):
    filters = warnings.filters
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        def change(i):
            if i == 3:
                warnings.simplefilter("error", BytesWarning)  # as another thread of the program might
            seen.append(warnings.filters[0][0])

        Parallel(**THREADS)(delayed(change)(i) for i in range(6))
        assert warnings.filters[0][:3] == ("error", None, BytesWarning)
    assert warnings.filters is filters and seen[-1] == "error"


# --- like joblib ----------------------------------------------------------------------------------------------------


def test_results_keep_their_order_and_arguments_their_names(place):
    tasks = (delayed(divmod)(i, 7) for i in range(50))
    assert Parallel(**place)(tasks) == [divmod(i, 7) for i in range(50)]
    assert Parallel(**place)([delayed(dict)(snapshot=1, function=2)]) == [{"snapshot": 1, "function": 2}]
    assert Parallel(**place)([]) == []


@pytest.mark.parametrize("iterable", [list, iter], ids=["sized", "unsized"])
def test_the_number_of_tasks_is_known_where_joblib_would_know_it(iterable):
    ours, theirs = Parallel(n_jobs=1), joblib.Parallel(n_jobs=1)
    assert ours(iterable([delayed(abs)(-1)] * 3)) == theirs(iterable([delayed(abs)(-1)] * 3))
    assert getattr(ours, "n_tasks", None) == getattr(theirs, "n_tasks", None)


@pytest.mark.parametrize("kind", ["Odd", "KeyError", "StopIteration"])
def test_exceptions_come_out_as_from_joblib_and_leave_nothing(tasks, place, kind):
    error = getattr(tasks, kind, None) or getattr(__import__("builtins"), kind)
    outcomes = []
    for parallel in (joblib.Parallel, Parallel):
        with decimal.localcontext(), pytest.raises(Exception) as caught:
            parallel(**place)([delayed(tasks.fails)(error(7)) for _ in range(4)])
        outcomes.append((type(caught.value), caught.value.args, type(caught.value.__cause__)))
    assert outcomes[0] == outcomes[1]
    assert kind == "StopIteration" or outcomes[1][:2] == (error, (7,))


def test_a_task_that_fails_leaves_nothing_for_the_next_one_of_its_worker(tasks):
    # joblib replaces its workers after a failure, an executor of loky's does not.
    with joblib.externals.loky.ProcessPoolExecutor(1) as worker:
        before = worker.submit(tasks.everything).result()
        with decimal.localcontext() as context, warnings.catch_warnings(), levels(35, 15, 5):
            context.prec = 19
            warnings.simplefilter("error", ImportWarning)
            failing, seeing = sent(delayed(tasks.fails)(ValueError(7)), delayed(tasks.everything)())
            expected = tasks.everything()
            assert str(worker.submit(failing[0], *failing[1]).exception()) == "7"
        assert worker.submit(tasks.everything).result() == before
        assert worker.submit(seeing[0]).result() == expected


def test_with_one_job_a_task_sees_what_the_generator_of_tasks_sets(tasks):
    def changing():
        for precision in (5, 6):
            decimal.getcontext().prec = precision
            yield delayed(tasks.precision)()

    with decimal.localcontext():
        assert Parallel(n_jobs=1)(changing()) == [5, 6]


def test_delayed_gives_the_task_and_keeps_what_wraps_keeps():
    def task(a, *, b=1):
        """Adds."""

    wrapped = delayed(task)
    assert wrapped(1, b=2) == (task, (1,), {"b": 2})
    assert (wrapped.__name__, wrapped.__doc__, wrapped.__wrapped__) == ("task", "Adds.", task)
    assert inspect.signature(wrapped) == inspect.signature(task)


def test_half_a_pair_runs_and_only_our_parallel_carries_state(tasks):
    with decimal.localcontext() as context:
        context.prec = 16
        assert Parallel(**LOKY)(joblib.delayed(tasks.precision)(i) for i in range(4)) == [16] * 4
        assert 16 not in joblib.Parallel(**LOKY)(delayed(tasks.precision)(i) for i in range(4))


def test_it_is_a_joblib_parallel():
    assert isinstance(Parallel(n_jobs=2), joblib.Parallel)


# --- states of one's own --------------------------------------------------------------------------------------------


def test_a_registered_state_travels_into_processes_and_does_not_stay(tasks, monkeypatch):
    monkeypatch.setattr(tasks, "setting", "mine")
    with registered(tasks.setting_state):
        assert Parallel(**LOKY)(delayed(tasks.settings)(i) for i in range(8)) == [("mine", 0)] * 8
    assert Parallel(**LOKY)(delayed(tasks.settings)(i) for i in range(8)) == [("default", 0)] * 8


def test_a_registered_state_of_threads_travels_into_threads(tasks):
    tasks.own.value = 3
    try:
        with registered(tasks.own_state, per_thread=True):
            assert {own for _, own in Parallel(**THREADS)(delayed(tasks.settings)(i) for i in range(8))} == {3}
        with registered(tasks.own_state):
            assert {own for _, own in Parallel(**THREADS)(delayed(tasks.settings)(i) for i in range(8))} == {0}
    finally:
        del tasks.own.value


@pytest.mark.parametrize("inner", [THREADS, LOKY], ids=lambda how: how["backend"])
def test_a_registered_state_reaches_inner_tasks_though_no_worker_registered_it(tasks, inner):
    tasks.own.value = 4
    try:
        with registered(tasks.own_state, per_thread=True):
            results = Parallel(**LOKY)(delayed(tasks.nested)(inner, tasks.settings) for _ in range(2))
        assert results == [[("default", 4)] * 6] * 2
    finally:
        del tasks.own.value


def test_registering_a_name_again_replaces_it_and_an_unknown_name_is_an_error(tasks):
    with registered(tasks.broken_here, name="mine"):
        assert register_worker_state(tasks.setting_state, name="mine") == "mine"
        assert Parallel(**LOKY)([delayed(abs)(-1)]) == [1]
    with pytest.raises(KeyError):
        unregister_worker_state("mine")


def test_a_failing_callback_names_itself(tasks):
    with registered(tasks.broken_here), pytest.raises(WorkerStateError, match=r"parallel_tasks\.broken_here.*captured"):
        Parallel(n_jobs=1)([delayed(abs)(-1)])
    with registered(tasks.broken_there), pytest.raises(WorkerStateError, match=r"broken_there.*set.*broken there"):
        Parallel(**LOKY)([delayed(abs)(-1)])
    assert Parallel(**LOKY)([delayed(abs)(-1)]) == [1]


def test_a_value_that_cannot_be_pickled_names_its_state(tasks):
    with registered(tasks.unpicklable), pytest.raises(Exception) as caught:
        Parallel(**LOKY)([delayed(abs)(-1)])
    chain = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__)
    text = " ".join(map(str, chain))
    assert "parallel_tasks.unpicklable" in text


def test_a_failing_state_puts_back_those_before_it(tasks):
    before = joblib.Parallel(**THREADS)(joblib.delayed(tasks.precision)(i) for i in range(4))
    with decimal.localcontext() as context, registered(tasks.broken_there, per_thread=True):
        context.prec = 17
        with pytest.raises(WorkerStateError):
            Parallel(**LOKY)(delayed(tasks.precision)(i) for i in range(4))
    assert joblib.Parallel(**LOKY)(joblib.delayed(tasks.precision)(i) for i in range(4)) == before


# --- scikit-learn, pandas, numpy ------------------------------------------------------------------------------------


def test_sixty_of_sixty_tasks_see_a_thread_local_scikit_learn_configuration(tasks, place):
    sklearn = pytest.importorskip("sklearn")
    with sklearn.config_context(assume_finite=True):
        assert Parallel(**place)(delayed(tasks.assume_finite)(i) for i in range(60)) == [True] * 60
    assert not any(joblib.Parallel(**place)(joblib.delayed(tasks.assume_finite)(i) for i in range(10)))


def test_scikit_learn_pandas_and_numpy_travel_and_do_not_stay(tasks, place):
    sklearn, pandas, numpy = map(pytest.importorskip, ("sklearn", "pandas", "numpy"))
    before = joblib.Parallel(**place)(joblib.delayed(tasks.libraries)(i) for i in range(6))
    with (
        sklearn.config_context(transform_output="pandas"),
        pandas.option_context("display.max_rows", 7),
        numpy.errstate(divide="raise"),
        numpy.printoptions(precision=2),
    ):
        results = Parallel(**place)(delayed(tasks.libraries)(i) for i in range(12))
    assert results == [("pandas", 7, "raise", 2)] * 12
    assert joblib.Parallel(**place)(joblib.delayed(tasks.libraries)(i) for i in range(6)) == before


def test_libraries_at_their_defaults_are_not_imported_in_workers(tasks):
    pytest.importorskip("sklearn"), pytest.importorskip("pandas")
    sys.modules["joblib.externals.loky"].get_reusable_executor().shutdown(wait=True, kill_workers=True)
    for name in ("sklearn", "pandas"):
        assert not any(Parallel(**LOKY)(delayed(tasks.imported)(name) for _ in range(4)))


# --- what is sent ---------------------------------------------------------------------------------------------------

IN_A_WORKER = """
import decimal, pickle, sys, threading, time, warnings
from concurrent.futures import ThreadPoolExecutor
task = pickle.load(sys.stdin.buffer)
before = list(warnings.filters)
start = threading.Barrier(2)

def run(seconds):
    start.wait()
    return task(seconds)

with ThreadPoolExecutor(2) as pool:
    seen = list(pool.map(run, (0.05, 0.4)))
assert seen == [("error", 18)] * 2, seen
assert list(warnings.filters) == before
print("held")
"""


def seen_at_the_end(seconds):
    import decimal
    import time
    import warnings

    time.sleep(seconds)
    return warnings.filters[0][0], decimal.getcontext().prec


def sent(*tasks):
    """What our `Parallel` gives joblib of these tasks: for each a function and its arguments."""
    items = []

    class Spy(joblib.parallel.ThreadingBackend):
        def submit(self, func, callback=None):
            items.extend(func.items)
            return super().submit(func, callback)

        apply_async = submit

    with contextlib.suppress(Exception):  # of the tasks, which run as well
        Parallel(n_jobs=2, backend=Spy(), batch_size=len(tasks))(tasks)
    return items


def test_a_worker_that_runs_tasks_in_threads_keeps_the_state_until_the_last_has_ended(tasks, tmp_path):
    (tmp_path / "spied.py").write_text(inspect.getsource(seen_at_the_end))
    sys.path.insert(0, str(tmp_path))
    try:
        spied = importlib.import_module("spied")
        with decimal.localcontext() as context, warnings.catch_warnings():
            context.prec = 18
            warnings.simplefilter("error", ImportWarning)
            ((function, _, _),) = sent(delayed(spied.seen_at_the_end)(0))
    finally:
        sys.path.remove(str(tmp_path))
    env_path = [str(tmp_path), *filter(None, sys.path)]
    code = f"import sys; sys.path[:0] = {env_path!r}\n{IN_A_WORKER}"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(function), capture_output=True)
    assert done.stdout.strip() == b"held", done.stderr.decode()


def test_the_state_is_pickled_once_for_all_tasks_of_a_call(tasks):
    pickled = []

    class Costly:
        def __reduce__(self):
            pickled.append(1)
            return int, ()

    with registered(lambda: (Costly(), lambda value: None), name="costly"):
        assert Parallel(**LOKY, batch_size=1)(delayed(abs)(-i) for i in range(30)) == list(range(30))
    assert pickled == [1]
