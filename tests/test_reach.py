"""Why a value is believed to be pickled, and what is left alone: the catalogue and the link between files."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from fixpickle.carriers import carriers
from fixpickle.model import BoundaryEntry, Evidence, Finding, Reach, Source, Span
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import Facts, survey
from fixpickle.survey.catalogue import Catalogue, catalogue, configured
from fixpickle.survey.facts import ToCall
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree

Reached = Callable[..., Reach | None]

HEAD = (
    "import aiomultiprocess, asyncio, contextlib, multiprocessing, concurrent.futures, pickle, joblib, typing\n"
    "from functools import partial\n"
)

CROSSES = {
    "pool": "with multiprocessing.Pool() as p:\n        p.map(lambda x: x, xs)",
    "context": "ctx = multiprocessing.get_context('spawn')\n    p = ctx.Pool(2)\n    p.imap(lambda x: x, xs)",
    "executor": "with concurrent.futures.ProcessPoolExecutor() as e:\n        e.submit(lambda: 1)",
    "argument": "with concurrent.futures.ProcessPoolExecutor() as e:\n        e.submit(print, lambda: 1)",
    "variable": "f = lambda x: x\n    multiprocessing.Pool().map(f, xs)",
    "container": "fs = [lambda x: x]\n    pickle.dumps(fs)",
    "appended": "fs = []\n    fs.append(lambda x: x)\n    pickle.dumps({'fs': fs})",
    "partial": "multiprocessing.Pool().map(partial(lambda a, b: a, 1), xs)",
    "conditional": "multiprocessing.Pool().map((lambda x: x) if xs else print, xs)",
    "process": "multiprocessing.Process(target=lambda: 1).start()",
    "initializer": "multiprocessing.Pool(2, lambda: 1)",
    "file": "with open('f', 'wb') as fh:\n        pickle.dump(lambda: 1, fh)",
    "cache": "joblib.hash(lambda: 1)",
    "starmap": "multiprocessing.Pool().starmap(lambda x: x, xs)",
    "async with": "async with aiomultiprocess.Pool() as p:\n        await p.map(lambda x: x, xs)",
    "walrus": "if (p := multiprocessing.Pool()):\n        p.map(lambda x: x, xs)",
    "module alias": "mp = multiprocessing\n    mp.Pool().map(lambda x: x, xs)",
    "class alias": "Workers = multiprocessing.Pool\n    Workers().map(lambda x: x, xs)",
    "function alias": "submit = multiprocessing.Pool().apply\n    submit(lambda: 1)",
    "argument of partial": "multiprocessing.Pool().map(partial(print, lambda: 1), xs)",
    "repeated": "multiprocessing.Pool().starmap(print, [[lambda: 1]] * 3)",
    "unpacked": "multiprocessing.Pool().apply(*[lambda: 1])",
    "initializer by keyword": "multiprocessing.Pool(2, initializer=lambda: 1)",
    "initializer of an executor": "concurrent.futures.ProcessPoolExecutor(initializer=lambda: 1)",
    "exit stack": "p = stack.enter_context(multiprocessing.Pool())\n    p.map(lambda x: x, xs)",
    "closing": "with contextlib.closing(multiprocessing.Pool()) as p:\n        p.map(lambda x: x, xs)",
    "cast": "p = typing.cast('multiprocessing.pool.Pool', xs)\n    p.map(lambda x: x, xs)",
    "pool or nothing": "p = multiprocessing.Pool() if xs else None\n    p and p.map(lambda x: x, xs)",
    "set later": "p = None\n    if xs:\n        p = multiprocessing.Pool()\n    p.map(lambda x: x, xs)",
    "proxy of a dict": "d = multiprocessing.Manager().dict()\n    d['f'] = lambda: 1",
    "proxy of a list": "fs = multiprocessing.Manager().list()\n    fs.append(lambda: 1)",
    "namespace": "ns = multiprocessing.Manager().Namespace()\n    ns.f = lambda: 1",
    "shelf": "import shelve\n    db = shelve.open('f')\n    db['f'] = lambda: 1",
    "queue": "q = multiprocessing.get_context('spawn').Queue()\n    q.put(lambda: 1)",
    "loop": "with concurrent.futures.ProcessPoolExecutor() as e:\n"
    "        asyncio.get_running_loop().run_in_executor(e, lambda: 1)",
    "memory": "f = joblib.Memory('d').cache(print)\n    f(lambda: 1)",
    "spawn context": "multiprocessing.get_context('spawn').Process(target=lambda: 1).start()",
    "a pool or something else": "p = multiprocessing.Pool()\n    if xs:\n        p = xs\n    p.map(lambda x: x, xs)",
    "pool of two kinds": "from multiprocessing.pool import Pool, ThreadPool\n"
    "    p = ThreadPool() if xs else Pool()\n    p.map(lambda x: x, xs)",
    "class of two kinds": "from multiprocessing.pool import Pool, ThreadPool\n"
    "    kind = ThreadPool if xs else Pool\n    kind().map(lambda x: x, xs)",
    "import of two kinds": "if xs:\n        from multiprocessing.dummy import Pool\n"
    "    else:\n        from multiprocessing import Pool\n    Pool().map(lambda x: x, xs)",
    "handed in or made": "xs = xs or multiprocessing.Pool()\n    xs.map(lambda x: x, stack)",
    "made where none is given": "if xs is None:\n        xs = multiprocessing.Pool()\n    xs.map(lambda x: x, stack)",
}


@pytest.mark.parametrize("name", CROSSES)
def test_a_value_that_crosses_a_boundary_is_reached(reach: Reached, name: str) -> None:
    found = reach(f"{HEAD}async def go(xs, stack):\n    {CROSSES[name]}\n")
    assert found is not None and found.evidence is Evidence.BOUNDARY
    assert found.chain[-1].startswith("passed to ")


STAYS = {
    "sorted": "return sorted(xs, key=lambda x: x)",
    "frame": "return xs.apply(lambda x: x)",
    "threads": "with concurrent.futures.ThreadPoolExecutor() as e:\n        e.map(lambda x: x, xs)",
    "thread pool": "from multiprocessing.pool import ThreadPool\n    ThreadPool().map(lambda x: x, xs)",
    "dummy": "from multiprocessing.dummy import Pool\n    Pool().map(lambda x: x, xs)",
    "unknown pool": "xs.pool.map(lambda x: x, xs)",
    "loky ships by value": "joblib.Parallel(n_jobs=2)(joblib.delayed(lambda x: x)(i) for i in xs)",
    "one job": "joblib.Parallel(n_jobs=1)(joblib.delayed(lambda x: x)(i) for i in xs)",
    "callback runs here": "multiprocessing.Pool().apply_async(print, callback=lambda x: x)",
    "fork context": "multiprocessing.get_context('fork').Process(target=lambda: 1).start()",
    "called": "return (lambda x: x)(xs)",
    "local": "f = lambda x: x\n    return [f(x) for x in xs]",
    "deepcopy shares functions": "import copy\n    copy.deepcopy(lambda: 1)",
    "error callback runs here": "multiprocessing.Pool().map_async(print, xs, error_callback=lambda e: e)",
    "callback of a future runs here": "e = concurrent.futures.ProcessPoolExecutor()\n"
    "    e.submit(print).add_done_callback(lambda f: f)",
    "min": "return min(xs, key=lambda x: x)",
    "map": "return list(map(lambda x: x, xs))",
    "filter": "return list(filter(lambda x: x, xs))",
    "sorted in place": "xs.sort(key=lambda x: x)",
    "alias of a thread pool": "from concurrent.futures import ThreadPoolExecutor as Pool\n"
    "    Pool().map(lambda x: x, xs)",
    "two thread pools": "from multiprocessing.pool import ThreadPool\n    from multiprocessing.dummy import Pool\n"
    "    p = ThreadPool() if xs else Pool()\n    p.map(lambda x: x, xs)",
    "pools that pickle differently": "import loky\n"
    "    p = loky.ProcessPoolExecutor() if xs else multiprocessing.Pool()\n    p.map(lambda x: x, xs)",
    "handed in": "xs.map(lambda x: x, stack)",
    "item of a table of threads": "from multiprocessing.pool import ThreadPool\n    kinds = {'a': ThreadPool}\n"
    "    kinds[xs]().map(lambda x: x, xs)",
    "own function named Pool": "def Pool():\n        return xs\n    Pool().map(lambda x: x, xs)",
    "threads of joblib": "joblib.Parallel(n_jobs=2, prefer='threads')(joblib.delayed(lambda x: x)(i) for i in xs)",
    "shared memory": "joblib.Parallel(2, require='sharedmem')(joblib.delayed(lambda x: x)(i) for i in xs)",
    "loader without workers": "from torch.utils.data import DataLoader\n    DataLoader(xs, collate_fn=lambda b: b)",
    "loader with no workers": "from torch.utils.data import DataLoader\n"
    "    DataLoader(xs, num_workers=0, collate_fn=lambda b: b)",
    "default executor of a loop": "asyncio.get_running_loop().run_in_executor(None, lambda: 1)",
    "thread executor of a loop": "with concurrent.futures.ThreadPoolExecutor() as e:\n"
    "        asyncio.get_running_loop().run_in_executor(e, lambda: 1)",
    "unknown executor of a loop": "asyncio.get_running_loop().run_in_executor(xs, lambda: 1)",
    "fork context in a variable": "ctx = multiprocessing.get_context('fork')\n"
    "    ctx.Process(target=lambda: 1).start()",
    "operator of its own": "pickle.dumps((lambda: 1) | xs)",
    "cache that is off": "f = joblib.Memory(None).cache(print)\n    f(lambda: 1)",
    "plain dict": "d = dict()\n    d['f'] = lambda: 1",
    "thread": "import threading\n    threading.Thread(target=lambda: 1).start()",
    "asyncio queue": "q = asyncio.Queue()\n    q.put_nowait(lambda: 1)",
    "dict key": "pickle.dumps({(lambda: 1): 2}.values())",
}


@pytest.mark.parametrize("name", STAYS)
def test_a_value_that_stays_in_the_process_is_not_reached(reach: Reached, name: str) -> None:
    assert reach(f"{HEAD}def go(xs):\n    {STAYS[name]}\n") is None


def test_a_wrapper_of_the_project_is_a_boundary(reach: Reached) -> None:
    found = reach(
        "from .pools import spread\n\n\ndef go(xs):\n    spread(xs, work=lambda x: x)\n",
        pools="import multiprocessing\n\n\ndef spread(xs, work):\n    multiprocessing.Pool().map(work, xs)\n",
    )
    assert found is not None and found.evidence is Evidence.BOUNDARY
    assert found.chain == ("passed to spread at line 5", "passed to multiprocessing.pool.Pool.map in pkg/pools.py:5")


def test_a_constructor_of_another_file_that_stores_its_argument_is_state(reach: Reached) -> None:
    found = reach(
        "from . import Box\n\n\nclass Shelf:\n    def __init__(self):\n        self.box = Box(lambda x: x)\n",
        box="class Box:\n    def __init__(self, drop):\n        self.drop = drop\n",
        __init__="from .box import Box\n",
    )
    assert found is not None and found.evidence is Evidence.STATE
    assert found.chain == ("passed to Box at line 6", "stored on self.drop of Box in pkg/box.py:3")


KEPT = "class A{bases}:\n    def __init__(self{extra}):\n        {line}\n        self.key = lambda x: x\n"


@pytest.mark.parametrize(
    ("bases", "line", "more"),
    [
        ("(threading.Thread)", "pass", ""),
        ("(unittest.TestCase)", "pass", ""),
        ("(logging.Logger)", "pass", ""),
        ("", "self.runner = threading.Thread(target=print)", ""),
        ("", "self.sock = socket.socket()", ""),
        ("", "self.streams = (sys.stdin, sys.stdout)", ""),
        ("", "pass", "    def __getstate__(self):\n        return {}\n"),
        ("", "pass", "    def __reduce__(self):\n        return A, ()\n"),
        ("", "pass", "    async def fetch(self):\n        return 1\n"),
    ],
)
def test_what_an_object_of_one_process_keeps_is_not_state(reach: Reached, bases: str, line: str, more: str) -> None:
    text = (
        "import logging, socket, sys, threading, unittest\n\n\n" + KEPT.format(bases=bases, extra="", line=line) + more
    )
    assert reach(text) is None


def test_what_a_plain_object_keeps_is_state(reach: Reached) -> None:
    found = reach(KEPT.format(bases="", extra="", line="pass"))
    assert found is not None and found.chain == ("stored on self.key of A at line 4",)


def test_what_a_decorator_returns_is_not_kept(reach: Reached) -> None:
    factory = "def make(n):\n    def inner(x):\n        return x + n\n    return inner\n"
    assert reach(factory + "\n\n@make(1)\ndef f():\n    pass\n") is None


def test_what_a_function_of_a_package_returns_is_kept_where_a_caller_keeps_it(reach: Reached) -> None:
    factory = "def make(n):\n    def inner(x):\n        return x + n\n    return inner\n"
    found = reach(
        factory, keeper="from pkg.m import make\n\n\nclass A:\n    def __init__(self):\n        self.f = make(1)\n"
    )
    assert found is not None and found.evidence is Evidence.STATE
    assert found.chain[0] == "returned by make at line 4, called in pkg/keeper.py:6"


def test_what_a_function_of_a_package_returns_crosses_where_a_caller_hands_it_over(reach: Reached) -> None:
    factory = "def _make(n):\n    def inner(x):\n        return x + n\n    return inner\n"
    found = reach(factory, job="import pickle\nfrom pkg.m import _make\n\n\ndef go():\n    pickle.dumps(_make(1))\n")
    assert found is not None and found.evidence is Evidence.BOUNDARY


def test_what_a_public_function_of_a_package_returns_may_be_kept_by_its_users(reach: Reached) -> None:
    found = reach("def make(n):\n    def inner(x):\n        return x + n\n    return inner\n")
    assert found is not None and found.chain == ("returned by make at line 4",)


def test_what_a_private_function_of_a_package_returns_to_nobody_is_not_kept(reach: Reached) -> None:
    assert reach("def _make(n):\n    def inner(x):\n        return x + n\n    return inner\n") is None


def test_what_a_private_function_returns_is_kept_where_an_inner_function_hands_it_on(reach: Reached) -> None:
    register = (
        "from pkg.m import _make\n\n\ndef register(t):\n    def inner(n):\n        return _make(n)\n    t[0] = inner\n"
    )
    found = reach("def _make(n):\n    return lambda x: x + n\n", keeper=register)
    assert found is not None and found.chain[0] == "returned by _make at line 2, called in pkg/keeper.py:6"


@pytest.mark.parametrize(
    ("module", "kept"),
    [
        ("pkg.core.shapes", True),
        ("pkg.vendors", True),
        ("pkg._vendor.shapes", False),
        ("pkg.vendored.shapes", False),
        ("pkg.third_party.shapes", False),
        ("pkg.thirdparty_files.shapes", False),
        ("pkg.testing.shapes", False),
        ("pkg.tests.shapes", False),
    ],
)
def test_what_copies_of_other_projects_and_tools_for_tests_keep_is_left_to_them(
    tmp_path: Path, module: str, kept: bool
) -> None:
    path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    for folder in path.relative_to(tmp_path).parents:
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        if folder.parts:
            (tmp_path / folder / "__init__.py").touch()
    path.write_text("class A:\n    def __init__(self):\n        self.f = lambda: 1\n")
    source = read(path)
    assert isinstance(source, Source) and source.module == module
    facts = survey(source)
    assert isinstance(facts, Facts)
    assert (Project([facts]).reach(facts, facts.definitions[0].sinks) is not None) is kept


@pytest.mark.parametrize(("exports", "internal"), [("", True), ('__all__ = ["center"]\n', False)])
def test_the_result_of_a_call_under_an_exported_name_is_there_for_others(
    tmp_path: Path, exports: str, internal: bool
) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    path = tmp_path / "pkg" / "m.py"
    factory = "def make(cls):\n    def inner():\n        return cls()\n    return inner\n\n\nclass Center:\n    pass\n"
    path.write_text(f"{exports}\n\n{factory}\n\ncenter = make(Center)\n\n\ndef use():\n    return center()\n")
    source = read(path)
    assert isinstance(source, Source)
    facts = survey(source)
    assert isinstance(facts, Facts)
    assert Project([facts]).exposure.internal(facts, "center") is internal


def test_functions_that_return_each_others_results_come_to_an_end(reach: Reached) -> None:
    one = "def _one(n):\n    if n:\n        return lambda x: x\n    return _two(n)\n"
    assert reach(one + "\n\ndef _two(n):\n    return _one(n)\n") is None


def test_state_in_a_file_that_ships_by_value_alone_is_not_reached(reach: Reached) -> None:
    keeps = "class A:\n    def __init__(self):\n        self.f = lambda: 1\n"
    assert reach(f"import ray\n\n\n{keeps}") is None


def test_state_in_a_file_that_ships_by_value_and_by_name_is_reached(reach: Reached) -> None:
    keeps = "class A:\n    def __init__(self):\n        self.f = lambda: 1\n"
    assert reach(f"import pickle\nimport ray\n\n\n{keeps}") is not None


def test_what_only_the_file_itself_uses_up_is_not_kept(reach: Reached) -> None:
    assert (
        reach("def _make(n):\n    return lambda x: x + n\n\n\ndef go(xs):\n    return [_make(1)(x) for x in xs]\n")
        is None
    )


# Files besides m.py, the text of m.py, and the chain to the boundary, or None where the value stays.
POOLS = "import multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n\n\n"
FILES: dict[str, tuple[dict[str, str], str, tuple[str, ...] | None]] = {
    "re-export": (
        {"compat": "from multiprocessing import Pool\n"},
        "from .compat import Pool\nPool().map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "re-export through a module": (
        {"compat": "from multiprocessing import Pool\n"},
        "from . import compat\ncompat.Pool().map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "optional import": (
        {"compat": "try:\n    from multiprocessing import Pool\nexcept ImportError:\n    Pool = None\n"},
        "from .compat import Pool\nPool().map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "either of two": (
        {
            "compat": "import os\nif os.sep:\n    from multiprocessing import Pool\n"
            "else:\n    from multiprocessing.dummy import Pool\n"
        },
        "from .compat import Pool\nPool().map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "star import of a wrapper": (
        {
            "pools": POOLS + "def spread(work):\n    multiprocessing.Pool().map(work, [])\n",
            "api": "from .pools import *\n",
        },
        "from .api import spread\nspread(lambda x: x)\n",
        ("passed to spread at line 2", "passed to multiprocessing.pool.Pool.map in pkg/pools.py:6"),
    ),
    "pool of another module": (
        {"pools": POOLS + "pool = multiprocessing.Pool()\n"},
        "from .pools import pool\npool.map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "function that makes the pool": (
        {"pools": POOLS + "def make(n):\n    return multiprocessing.Pool(n)\n"},
        "from .pools import make\nwith make(2) as p:\n    p.map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 3",),
    ),
    "context manager that yields the pool": (
        {
            "pools": "import contextlib\n" + POOLS + "@contextlib.contextmanager\ndef made():\n"
            "    p = multiprocessing.Pool()\n    yield p\n"
        },
        "from .pools import made\nwith made() as p:\n    p.map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 3",),
    ),
    "function that makes either": (
        {
            "pools": POOLS + "from multiprocessing.pool import ThreadPool\n\n\ndef make(n):\n"
            "    if n:\n        return multiprocessing.Pool(n)\n    return ThreadPool()\n"
        },
        "from .pools import make\nmake(2).map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 2",),
    ),
    "fork context made elsewhere": (
        {"pools": POOLS + "def context():\n    return multiprocessing.get_context('fork')\n"},
        "from .pools import context\ncontext().Process(target=lambda: 1).start()\n",
        None,
    ),
    "fork context kept on the object": (
        {},
        POOLS + "class A:\n    def __init__(self):\n        self.ctx = multiprocessing.get_context('fork')\n\n"
        "    def go(self):\n        self.ctx.Process(target=lambda: 1).start()\n",
        None,
    ),
    "wrapper of a wrapper": (
        {
            "a": POOLS + "def inner(f):\n    multiprocessing.Pool().map(f, [])\n",
            "b": "from .a import inner\n\n\ndef outer(n, *, f):\n    inner(f)\n",
        },
        "from .b import outer\nouter(1, f=lambda x: x)\n",
        (
            "passed to outer at line 2",
            "passed to inner in pkg/b.py:5",
            "passed to multiprocessing.pool.Pool.map in pkg/a.py:6",
        ),
    ),
    "everything passed through": (
        {"a": POOLS + "def run(*args, **kwargs):\n    return ProcessPoolExecutor().submit(*args, **kwargs)\n"},
        "from .a import run\nrun(print, 1, lambda: 1)\n",
        ("passed to run at line 2", "passed to concurrent.futures.ProcessPoolExecutor.submit in pkg/a.py:6"),
    ),
    "positions are counted through": (
        {"a": POOLS + "def run(pool, *args):\n    return multiprocessing.Pool().map_async(*args)\n"},
        "from .a import run\nrun(None, print, [], None, lambda x: x)\n",
        None,
    ),
    "keywords are passed through": (
        {"a": POOLS + "def run(**kwargs):\n    return multiprocessing.Process(**kwargs)\n"},
        "from .a import run\nrun(name='x', target=lambda: 1)\n",
        ("passed to run at line 2", "passed to multiprocessing.Process in pkg/a.py:6"),
    ),
    "keywords that stay": (
        {"a": POOLS + "def run(**kwargs):\n    return multiprocessing.Pool().apply_async(print, **kwargs)\n"},
        "from .a import run\nrun(callback=lambda x: x)\n",
        None,
    ),
    "keyword of its own beside the collected": (
        {"a": POOLS + "def run(key, **kwargs):\n    return multiprocessing.Process(**kwargs)\n"},
        "from .a import run\nrun(key=lambda: 1)\n",
        None,
    ),
    "method with the receiver of the constructor": (
        {
            "a": POOLS + "class Runner:\n    def __init__(self):\n        self.pool = multiprocessing.Pool()\n\n"
            "    def run(self, f):\n        self.pool.map(f, [])\n"
        },
        "from .a import Runner\nRunner().run(lambda x: x)\n",
        ("passed to Runner.run at line 2", "passed to multiprocessing.pool.Pool.map in pkg/a.py:10"),
    ),
    "method inherited": (
        {"a": POOLS + "class Base:\n    def run(self, f):\n        multiprocessing.Pool().map(f, [])\n"},
        "from .a import Base\n\n\nclass Own(Base):\n    def go(self):\n        self.run(lambda x: x)\n",
        ("passed to Base.run at line 6", "passed to multiprocessing.pool.Pool.map in pkg/a.py:7"),
    ),
    "receiver inherited": (
        {"a": POOLS + "class Base:\n    def __init__(self):\n        self.pool = multiprocessing.Pool()\n"},
        "from .a import Base\n\n\nclass Own(Base):\n    def go(self):\n        self.pool.map(lambda x: x, [])\n",
        ("passed to multiprocessing.pool.Pool.map at line 6",),
    ),
    "attribute that a method hands on": (
        {
            "a": POOLS + "class Runner:\n    def __init__(self, f):\n        self.f = f\n\n"
            "    def run(self):\n        multiprocessing.Pool().map(self.f, [])\n"
        },
        "from .a import Runner\nRunner(lambda x: x).run()\n",
        (
            "passed to Runner at line 2",
            "stored on self.f of Runner in pkg/a.py:7",
            "passed to multiprocessing.pool.Pool.map in pkg/a.py:10",
        ),
    ),
    "attribute that a method of a base hands on": (
        {"a": POOLS + "class Base:\n    def run(self):\n        multiprocessing.Pool().map(self.f, [])\n"},
        "from .a import Base\n\n\nclass Own(Base):\n    def __init__(self):\n        self.f = lambda x: x\n",
        ("stored on self.f of Own at line 6", "passed to multiprocessing.pool.Pool.map in pkg/a.py:7"),
    ),
    "annotated parameter": (
        {},
        POOLS + "def go(pool: ProcessPoolExecutor):\n    pool.submit(lambda: 1)\n",
        ("passed to concurrent.futures.ProcessPoolExecutor.submit at line 6",),
    ),
    "optional parameter": (
        {},
        POOLS + "import typing\n\n\ndef go(pool: typing.Optional[ProcessPoolExecutor] = None):\n"
        "    pool.submit(lambda: 1)\n",
        ("passed to concurrent.futures.ProcessPoolExecutor.submit at line 9",),
    ),
    "quoted annotation": (
        {},
        POOLS + "def go(pool: 'ProcessPoolExecutor | None' = None):\n    pool.submit(lambda: 1)\n",
        ("passed to concurrent.futures.ProcessPoolExecutor.submit at line 6",),
    ),
    "annotated attribute": (
        {},
        POOLS + "class A:\n    pool: ProcessPoolExecutor\n\n    def go(self):\n        self.pool.submit(lambda: 1)\n",
        ("passed to concurrent.futures.ProcessPoolExecutor.submit at line 9",),
    ),
    "annotation of either": (
        {},
        POOLS + "from concurrent.futures import ThreadPoolExecutor\n\n\n"
        "def go(pool: ProcessPoolExecutor | ThreadPoolExecutor):\n    pool.submit(lambda: 1)\n",
        None,
    ),
    "annotation of any executor": (
        {},
        "from concurrent.futures import Executor\n\n\ndef go(pool: Executor):\n    pool.submit(lambda: 1)\n",
        None,
    ),
    "subclass of a process": (
        {},
        POOLS + "class W(multiprocessing.Process):\n    def __init__(self):\n"
        "        super().__init__(target=lambda: 1)\n",
        ("passed to multiprocessing.Process at line 7",),
    ),
    "subclass without a constructor": (
        {"a": POOLS + "class W(multiprocessing.Process):\n    pass\n"},
        "from .a import W\nW(target=lambda: 1)\n",
        ("passed to multiprocessing.Process at line 2",),
    ),
    "subclass of a thread": (
        {},
        "import threading\n\n\nclass W(threading.Thread):\n    def __init__(self):\n"
        "        super().__init__(target=lambda: 1)\n",
        None,
    ),
    "subclass of an executor": (
        {"a": POOLS + "class Workers(ProcessPoolExecutor):\n    pass\n"},
        "from .a import Workers\nwith Workers() as w:\n    w.submit(lambda: 1)\n",
        ("passed to concurrent.futures.ProcessPoolExecutor.submit at line 3",),
    ),
    "decorated with a cache": (
        {"a": "import joblib\n\nmemory = joblib.Memory('d')\n\n\n@memory.cache\ndef f(g):\n    return g()\n"},
        "from .a import f\nf(lambda: 1)\n",
        ("passed to joblib.memory.MemorizedFunc at line 2",),
    ),
    "decorated with a cache of another file": (
        {
            "a": "import joblib\n\nmemory = joblib.Memory('d')\n",
            "b": "from .a import memory\n\n\n@memory.cache(verbose=0)\ndef f(g):\n    return g()\n",
        },
        "from .b import f\nf(g=lambda: 1)\n",
        ("passed to joblib.memory.MemorizedFunc at line 2",),
    ),
    "decorated with a cache that is off": (
        {"a": "import joblib\n\nmemory = joblib.Memory(location=None)\n\n\n@memory.cache\ndef f(g):\n    return g()\n"},
        "from .a import f\nf(lambda: 1)\n",
        None,
    ),
    "task that pickles": (
        {
            "a": "from celery import Celery\n\napp = Celery('x')\n\n\n"
            "@app.task(serializer='pickle')\ndef f(g):\n    return g()\n"
        },
        "from .a import f\nf.delay(lambda: 1)\n",
        ("passed to celery.Task.delay at line 2",),
    ),
    "task that does not": (
        {"a": "from celery import Celery\n\napp = Celery('x')\n\n\n@app.task\ndef f(g):\n    return g()\n"},
        "from .a import f\nf.delay(lambda: 1)\n",
        None,
    ),
    "task called in place": (
        {"a": "from celery import shared_task\n\n\n@shared_task(serializer='pickle')\ndef f(g):\n    return g()\n"},
        "from .a import f\nf(lambda: 1)\n",
        None,
    ),
    "temporary object of another class": (
        {"a": "class Graph:\n    def add(self, f):\n        self.f = f\n"},
        "from .a import Graph\n\n\ndef go():\n    g = Graph()\n    g.add(lambda: 1)\n    print(g)\n",
        None,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_values_are_followed_from_file_to_file(reach: Reached, name: str) -> None:
    others, text, chain = FILES[name]
    found = reach(text, **others)
    assert (found.chain if found and found.evidence is Evidence.BOUNDARY else None) == chain
    if chain is None:
        assert found is None


# --- instances ------------------------------------------------------------------------------------------------------

CACHE = (
    "class Cache:\n    def __init__(self):\n        self.key = lambda x: x\n\n"
    "    def work(self, x):\n        return x\n"
)
STORED = "stored on self.key of Cache at line 3"
SHIPPED: dict[str, tuple[dict[str, str], str]] = {
    "direct": (
        {"save": "import joblib\nfrom .m import Cache\n\njoblib.dump(Cache(), 'f')\n"},
        "Cache is passed to joblib.dump in pkg/save.py:4",
    ),
    "variable": (
        {"save": "import joblib\nfrom . import m\n\nc = m.Cache()\njoblib.dump(c, 'f')\n"},
        "Cache is passed to joblib.dump in pkg/save.py:5",
    ),
    "container": (
        {"save": "import joblib\nfrom .m import Cache\n\njoblib.dump({'all': [Cache() for _ in 'ab']}, 'f')\n"},
        "Cache is passed to joblib.dump in pkg/save.py:4",
    ),
    "through a function": (
        {
            "make": "from .m import Cache\n\n\ndef make():\n    c = Cache()\n    return c\n",
            "save": "import joblib\nfrom .make import make\n\njoblib.dump(make(), 'f')\n",
        },
        "Cache is passed to joblib.dump in pkg/save.py:4",
    ),
    "into a wrapper": (
        {
            "store": "import joblib\n\n\ndef store(what):\n    joblib.dump(what, 'f')\n",
            "save": "from .m import Cache\nfrom .store import store\n\nstore(Cache())\n",
        },
        "Cache is passed to joblib.dump in pkg/store.py:5",
    ),
    "subclass": (
        {"save": "import joblib\nfrom .m import Cache\n\n\nclass Own(Cache):\n    pass\n\n\njoblib.dump(Own(), 'f')\n"},
        "Own is passed to joblib.dump in pkg/save.py:9",
    ),
    "annotated": (
        {"save": "import joblib\nfrom .m import Cache\n\n\ndef save(cache: Cache):\n    joblib.dump(cache, 'f')\n"},
        "Cache is passed to joblib.dump in pkg/save.py:6",
    ),
    "bound method": (
        {
            "save": "import multiprocessing\nfrom .m import Cache\n\nc = Cache()\n"
            "multiprocessing.Pool().map(c.work, [])\n"
        },
        "Cache travels with its method work, which is passed to multiprocessing.pool.Pool.map in pkg/save.py:5",
    ),
    "kept by another object": (
        {
            "save": "import joblib\nfrom .m import Cache\n\n\nclass Server:\n    def __init__(self):\n"
            "        self.cache = Cache()\n\n    def save(self):\n        joblib.dump(self, 'f')\n"
        },
        "Cache is kept in self.cache of Server, and Server is passed to joblib.dump in pkg/save.py:10",
    ),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_stored_on_a_class_whose_instance_is_pickled_anywhere_has_that_evidence(
    reach: Reached, name: str
) -> None:
    others, step = SHIPPED[name]
    found = reach(CACHE, **others)
    assert found is not None and found.evidence is Evidence.BOUNDARY
    assert found.chain == (STORED, step)


@pytest.mark.parametrize(
    "text",
    [
        "import joblib\nfrom .m import Cache\n\njoblib.dump(Cache().work(1), 'f')\n",
        "import joblib\nfrom .m import Cache\n\nCache()\njoblib.dump(1, 'f')\n",
        "import joblib\nfrom .m import Cache\n\njoblib.dump(Cache, 'f')\n",
        "import copy\nfrom .m import Cache\n\ncopy.deepcopy(Cache())\n",
        "from multiprocessing.pool import ThreadPool\nfrom .m import Cache\n\nThreadPool().map(Cache().work, [])\n",
        "import joblib\nfrom .other import Cache\n\njoblib.dump(Cache(), 'f')\n",
        "import joblib\nfrom .m import Cache\n\n\nclass Server:\n"
        "    def __init__(self):\n        self.cache = Cache()\n\n"
        "    def __getstate__(self):\n        return {}\n\n\njoblib.dump(Server(), 'f')\n",
    ],
)
def test_other_uses_of_a_class_are_no_evidence(reach: Reached, text: str) -> None:
    found = reach(CACHE, save=text, other="class Cache:\n    pass\n")
    assert found is not None and (found.evidence, found.chain) == (Evidence.STATE, (STORED,))


def test_self_handed_over_by_a_base_speaks_for_its_subclasses(reach: Reached) -> None:
    base = "import joblib\n\n\nclass Base:\n    def save(self):\n        joblib.dump(self, 'f')\n"
    text = "from .base import Base\n\n\nclass Own(Base):\n    def __init__(self):\n        self.f = lambda: 1\n"
    found = reach(text, base=base)
    assert found is not None and found.evidence is Evidence.BOUNDARY
    assert found.chain == ("stored on self.f of Own at line 6", "Base is passed to joblib.dump in pkg/base.py:6")


MODEL = (
    "import multiprocessing\n\n\nclass Model:\n    def __init__(self, f):\n        self.f = f\n\n"
    "    def fit(self, xs):\n        multiprocessing.Pool().map(self._one, xs)\n\n"
    "    def _one(self, x):\n        return self.f(x)\n\n\nclass Heir(Model):\n    pass\n\n\n"
    "class Other:\n    def __init__(self, f):\n        self.f = f\n"
)


def test_an_object_that_hands_itself_over_counts_even_where_it_is_temporary(reach: Reached) -> None:
    found = reach("from .model import Heir\n\n\ndef go():\n    Heir(lambda x: x).fit([])\n", model=MODEL)
    assert found is not None and found.evidence is Evidence.BOUNDARY
    assert found.chain == (
        "passed to Heir at line 5",
        "stored on self.f of Model in pkg/model.py:6",
        "Model travels with its method _one, which is passed to multiprocessing.pool.Pool.map in pkg/model.py:9",
    )


@pytest.mark.parametrize(
    "text",
    [
        "from .model import Other\n\n\ndef go():\n    Other(lambda x: x)\n",
        "import pickle\nfrom .model import Other\n\n\ndef go():\n    Other(lambda x: x)\n"
        "    pickle.dumps(Other(print))\n",
    ],
)
def test_a_temporary_object_is_not_another_that_crosses(reach: Reached, text: str) -> None:
    assert reach(text, model=MODEL) is None


MIXIN = "class Cached:\n    def fill(self):\n        self.cache = lambda: 1\n"
HEIR = (
    "import pickle\nfrom .m import Cached\n\n\nclass Map(Cached):\n    def __init__(self, path):\n"
    "        self.path = path\n\n    {hook}\n\n\npickle.dumps(Map('a'))\n"
)


def test_hooks_of_what_inherits_say_nothing_of_instances_of_the_base(reach: Reached) -> None:
    made = "\n\ndef filled():\n    made = Cached()\n    made.fill()\n    return made\n"
    found = reach(MIXIN + made, heir=HEIR.format(hook="def __reduce__(self): return Map, (self.path,)"))
    assert found is not None and found.evidence is Evidence.STATE


@pytest.mark.parametrize(
    ("hook", "evidence"),
    [
        ("def read(self): return 1", Evidence.BOUNDARY),
        ("def __reduce__(self): return Map, (self.path,)", None),
        ("def __getstate__(self): return {'path': self.path}", None),
    ],
)
def test_a_hook_of_what_inherits_may_keep_back_what_a_mixin_stores(
    reach: Reached, hook: str, evidence: Evidence | None
) -> None:
    found = reach(MIXIN, heir=HEIR.format(hook=hook))
    assert (found and found.evidence) is evidence


@pytest.mark.parametrize(
    ("decorator", "evidence"),
    [
        ("", Evidence.BOUNDARY),
        ("    @functools.lru_cache\n", Evidence.BOUNDARY),
        ("    @classmethod\n", Evidence.STATE),
        ("    @staticmethod\n", Evidence.STATE),
    ],
)
def test_a_method_that_has_no_instance_takes_none_along(reach: Reached, decorator: str, evidence: Evidence) -> None:
    found = reach(
        "import functools, multiprocessing\n\n\nclass Job:\n    def __init__(self):\n        self.f = lambda: 1\n\n"
        f"{decorator}    def work(x):\n        return x\n\n"
        "    def go(self, xs):\n        multiprocessing.Pool().map(self.work, xs)\n"
    )
    assert found is not None and found.evidence is evidence


def test_an_instance_of_a_base_says_nothing_of_its_subclasses(reach: Reached) -> None:
    base = "import joblib\n\n\nclass Base:\n    pass\n\n\njoblib.dump(Base(), 'f')\n"
    text = "from .base import Base\n\n\nclass Own(Base):\n    def __init__(self):\n        self.f = lambda: 1\n"
    found = reach(text, base=base)
    assert found is not None and found.evidence is Evidence.STATE


def test_receivers_are_followed_through_contexts_and_attributes() -> None:
    normal = catalogue().normal
    assert normal("multiprocessing.get_context().Pool().map") == "<multiprocessing.pool.Pool>.map"
    assert normal("joblib.Parallel()") == "<joblib.Parallel>.__call__"
    assert normal("nothing.known().map") == "nothing.known().map"


def test_every_entry_of_the_catalogue_can_be_matched_by_some_call() -> None:
    table = catalogue()
    for callee, boundaries in table.boundaries.items():
        for boundary in boundaries:
            places = [(int(p.rstrip("+")), "") for p, _ in boundary.params if p.rstrip("+").isdigit()]
            places += [(-1, k or "anything") for p, k in boundary.params if k or p == "*"]
            assert boundary.of_result or any(boundary.takes(*place) for place in places), callee
            assert not boundary.of_result or catalogue().match_result(callee) == boundary
            assert boundary.pickler in ("pickle", "cloudpickle", "dill", "deepcopy"), callee


TRAINABLE = """\
from ray import tune


class Trial({base}):
    def {method}(self):
        {lines}
"""


@pytest.mark.parametrize(
    ("base", "method", "lines", "crosses"),
    [
        ("tune.Trainable", "save_checkpoint", "return {'f': lambda: 0}", True),
        ("tune.Trainable", "step", "state = {}; state['f'] = lambda: 0; return state", True),
        ("tune.Trainable", "load_checkpoint", "return {'f': lambda: 0}", False),
        ("tune.Trainable", "step", "f = lambda: 0; f(); return {}", False),
        ("object", "save_checkpoint", "return {'f': lambda: 0}", False),
    ],
)
def test_what_a_trainable_returns_is_pickled_where_tune_pickles_it(
    tmp_path: Path, base: str, method: str, lines: str, crosses: bool
) -> None:
    (tmp_path / "trial.py").write_text(TRAINABLE.format(base=base, method=method, lines=lines))
    source = read(tmp_path / "trial.py", explicit=True)
    assert isinstance(source, Source)
    facts = survey(source)
    assert isinstance(facts, Facts)
    (made,) = facts.definitions
    found = [c.boundary.pickler for c in Project([facts]).crossings(facts, made.sinks)]
    assert found == (["cloudpickle"] if crosses else [])


def test_literal_keywords_say_that_nothing_crosses() -> None:
    call = ToCall("torch.utils.data.DataLoader", -1, "collate_fn", 1)
    assert catalogue().match(call) is None  # no num_workers: the default is 0
    several = ToCall(call.callee, -1, "collate_fn", 1, (("num_workers", "4"),))
    assert catalogue().match(several) is not None
    none = ToCall(call.callee, -1, "collate_fn", 1, (("num_workers", "0"),))
    assert catalogue().match(none) is None


@pytest.mark.parametrize("base", ["queue.Queue", "threading.local", "concurrent.futures.Executor", "logging.Handler"])
def test_an_object_whose_base_belongs_to_one_process_is_not_state(reach: Reached, base: str) -> None:
    head = "import concurrent.futures, logging, queue, threading\n\n\n"
    assert reach(head + KEPT.format(bases=f"({base})", extra="", line="pass")) is None


def test_functions_of_one_name_in_two_files_are_both_followed(reach: Reached) -> None:
    found = reach(
        "from .first import spread as one\nfrom .second import spread as two\n\n\n"
        "def go(xs):\n    f = lambda x: x\n    one(f)\n    two(f)\n",
        first="def spread(work):\n    print(work)\n",
        second="import multiprocessing\n\n\ndef spread(work):\n    multiprocessing.Pool().map(work, [])\n",
    )
    assert found is not None and found.evidence is Evidence.BOUNDARY


# --- a project's own catalogue --------------------------------------------------------------------------------------


def _reach(text: str, folder: Path, known: Catalogue) -> Reach | None:
    """The reach of the first definition of a module, under a catalogue of its own."""
    (folder / "m.py").write_text(text)
    source = read(folder / "m.py")
    assert isinstance(source, Source)
    facts = survey(source)
    assert isinstance(facts, Facts)
    return Project([facts], known).reach(facts, facts.definitions[0].sinks)


ENQUEUE = BoundaryEntry(names=("acme.enqueue",), params=(("0", "task"), ("2+", "")), quiet={"local": ("True",)})
OWN: dict[str, tuple[BoundaryEntry, str, bool]] = {
    "function": (ENQUEUE, "import acme\nacme.enqueue(lambda: 1)\n", True),
    "by keyword": (ENQUEUE, "from acme import enqueue as put\nput(task=lambda: 1)\n", True),
    "a place that stays": (ENQUEUE, "import acme\nacme.enqueue(1, lambda: 1)\n", False),
    "switched off": (ENQUEUE, "import acme\nacme.enqueue(lambda: 1, local=True)\n", False),
    "not switched off": (ENQUEUE, "import acme\nacme.enqueue(lambda: 1, local=False)\n", True),
    "needed keyword": (
        BoundaryEntry(names=("acme.run",), params=(("0", ""),), needs=("workers",)),
        "import acme\nacme.run(lambda: 1, workers=2)\n",
        True,
    ),
    "needed keyword missing": (
        BoundaryEntry(names=("acme.run",), params=(("0", ""),), needs=("workers",)),
        "import acme\nacme.run(lambda: 1)\n",
        False,
    ),
    "method": (
        BoundaryEntry(names=("acme.Pool.run",), params=(("0", ""),), receiver="acme.Pool"),
        "import acme\nwith acme.Pool() as p:\n    p.run(lambda: 1)\n",
        True,
    ),
    "method of a known receiver": (
        BoundaryEntry(names=("Pool.each",), params=(("0", ""),), receiver="multiprocessing.Pool"),
        "from multiprocessing.pool import Pool\nPool().each(lambda: 1)\n",
        True,
    ),
    "decorator": (
        BoundaryEntry(names=("acme.task",), params=(("0+", ""), ("*", "")), decorator=True),
        "import acme\n\n\n@acme.task\ndef f(g):\n    g()\n\n\nf(g=lambda: 1)\n",
        True,
    ),
    "decorator with arguments": (
        BoundaryEntry(names=("acme.task",), params=(("0+", ""),), decorator=True),
        "import acme\n\n\n@acme.task(retries=2)\ndef f(g):\n    g()\n\n\nf(lambda: 1)\n",
        True,
    ),
    "by value": (
        BoundaryEntry(names=("acme.ship",), params=(("0", ""),), pickler="cloudpickle", by_value=True),
        "import acme\nacme.ship(lambda: 1)\n",
        False,
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_a_boundary_of_the_configuration_is_followed_like_any_other(name: str, tmp_path: Path) -> None:
    entry, text, crosses = OWN[name]
    found = _reach(text, tmp_path, configured([entry], ()))
    assert (found is not None) == crosses
    assert found is None or found.chain[-1].startswith(f"passed to {entry.names[0]} at line ")


@pytest.mark.parametrize(
    ("quiet", "text"),
    [
        ("pickle.dumps", "import pickle\npickle.dumps(lambda: 1)\n"),
        ("multiprocessing.pool.Pool.map", "import multiprocessing\nmultiprocessing.Pool().map(lambda: 1, [])\n"),
        ("m.here", "import pickle\n\n\ndef here(f):\n    pickle.dumps(f)\n\n\nhere(lambda: 1)\n"),
        ("acme.enqueue", "import acme\nacme.enqueue(lambda: 1)\n"),
    ],
)
def test_a_name_that_is_said_to_be_quiet_is_no_boundary(quiet: str, text: str, tmp_path: Path) -> None:
    assert _reach(text, tmp_path, configured([ENQUEUE], ())) is not None
    assert _reach(text, tmp_path, configured([ENQUEUE], [quiet])) is None


def test_the_catalogue_of_the_package_stays_as_it_is() -> None:
    before = catalogue()
    configured([ENQUEUE], ["pickle.dumps"])
    assert catalogue() is before and "acme.enqueue" not in before.boundaries and "pickle.dumps" in before.boundaries
    assert configured((), ()) == before


def test_an_attribute_that_is_made_of_itself_comes_to_an_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.py").write_text(
            f"import {other}\n\n\nclass Node:\n    def __init__(self):\n"
            f"        self.next = {other}.Node().next.next\n        self.last = self.next.last\n"
        )
    facts = [found for name in ("a", "b") if isinstance(found := survey(read(tmp_path / f"{name}.py")), Facts)]  # type: ignore[arg-type]
    project = Project(facts)
    assert len(facts) == 2
    assert project.real("a.Node().next.last")


def test_locks_of_their_own_kind_that_keep_each_other_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "import threading\n\n\n"
        "class Gate(threading.Event):\n    def __init__(self):\n        self.door = Door()\n\n\n"
        "class Door(threading.Event):\n    def __init__(self):\n        self.gate = Gate()\n"
    )
    facts = survey(read(tmp_path / "m.py"))  # type: ignore[arg-type]
    assert isinstance(facts, Facts)
    assert Project([facts]).process_bound(facts, "Gate") == "it is a threading.Event, which belongs to one process"


@pytest.mark.parametrize(("method", "exposed"), [("get", True), ("__getitem__", True), ("_get", False)])
def test_what_a_public_or_special_method_returns_others_may_pickle(method: str, exposed: bool, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "__init__.py").write_text("")
    path = tmp_path / "box" / "parts.py"
    path.write_text(
        "class _Part:\n    pass\n\n\nclass Box:\n" f"    def {method}(self, number):\n        return _Part()\n"
    )
    facts = survey(read(path))  # type: ignore[arg-type]
    assert isinstance(facts, Facts)
    assert Project([facts]).exposure.exposed(f"{facts.module}._Part") is exposed


@pytest.mark.parametrize(("given", "reached"), [("(lambda x: x + k), k", False), ("lambda x: x + k", True)])
def test_of_several_things_that_are_handed_on_at_once_each_goes_another_way(
    given: str, reached: bool, tmp_path: Path
) -> None:
    text = f"def _made(k):\n    return {given}\n\n\ndef both(k):\n    return _made(k)\n"
    assert (_reach(text, tmp_path, catalogue()) is not None) is reached


@pytest.mark.parametrize(
    ("first", "second", "symbol"),
    [
        ("threading", "dummy_threading", "threading.RLock"),
        ("gevent.lock", "threading", ""),
        ("gevent.lock", "eventlet.semaphore", ""),
    ],
)
def test_of_two_imports_the_first_is_meant_where_it_is_always_there(first: str, second: str, symbol: str) -> None:
    text = f"try:\n    from {first} import RLock\nexcept ImportError:\n    from {second} import RLock\n\nRLock()\n"
    tree = Tree(Source(Path("m.py"), text, "utf-8", "\n", False, "", "m", Path()))
    (call,) = tree.of(ast.Call)
    assert Names(tree, "m", False).of(call.func) == symbol


def test_of_classes_that_hold_each_other_both_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "class A:\n    def __init__(self):\n        self.b = B()\n\n\n"
        "class B:\n    def __init__(self):\n        self.a = A()\n\n\n"
        "class Part:\n    pass\n\n\nclass Whole:\n    def __init__(self):\n        self.part = Part()\n"
    )
    facts = survey(read(tmp_path / "m.py"))  # type: ignore[arg-type]
    assert isinstance(facts, Facts)
    found = [
        Finding("some-rule", facts.path, Span(0, 1, 1, 1), "message", Reach(Evidence.STATE, (), carrier=f"m:{name}"))
        for name in ("A", "B", "Part", "Whole")
    ]
    assert [whole.cls for whole, _ in carriers(found, Project([facts]))] == ["A", "B", "Whole"]
