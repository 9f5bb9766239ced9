"""Why a value is believed to be pickled, and what is left alone: the catalogue and the link between files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixpickle.model import Evidence, Reach, Source
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.survey import Facts, survey
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import ToCall

Reached = Callable[..., Reach | None]


@pytest.fixture
def reach(tmp_path: Path) -> Reached:
    """The reach of the first definition of m.py, among other files of the same package."""

    def of(text: str, **others: str) -> Reach | None:
        package = tmp_path / "pkg"
        package.mkdir()
        facts: list[Facts] = []
        for name, content in {"__init__": "", **others, "m": text}.items():
            (package / f"{name}.py").write_text(content)
            source = read(package / f"{name}.py")
            assert isinstance(source, Source)
            found = survey(source)
            assert isinstance(found, Facts)
            facts.append(found)
        return Project(facts).reach(facts[-1], facts[-1].definitions[0].sinks)

    return of


HEAD = "import multiprocessing, concurrent.futures, pickle, joblib\nfrom functools import partial\n"

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
}


@pytest.mark.parametrize("name", CROSSES)
def test_a_value_that_crosses_a_boundary_is_reached(reach: Reached, name: str) -> None:
    found = reach(f"{HEAD}def go(xs):\n    {CROSSES[name]}\n")
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
    "two pools under one name": "p = multiprocessing.Pool()\n    if xs:\n        p = xs\n    p.map(lambda x: x, xs)",
    "deepcopy shares functions": "import copy\n    copy.deepcopy(lambda: 1)",
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
        ("", "self.runner = threading.Thread(target=print)", ""),
        ("", "self.sock = socket.socket()", ""),
        ("", "pass", "    def __getstate__(self):\n        return {}\n"),
        ("", "pass", "    def __reduce__(self):\n        return A, ()\n"),
        ("", "pass", "    async def fetch(self):\n        return 1\n"),
    ],
)
def test_what_an_object_of_one_process_keeps_is_not_state(reach: Reached, bases: str, line: str, more: str) -> None:
    text = "import socket, threading, unittest\n\n\n" + KEPT.format(bases=bases, extra="", line=line) + more
    assert reach(text) is None


def test_what_a_plain_object_keeps_is_state(reach: Reached) -> None:
    found = reach(KEPT.format(bases="", extra="", line="pass"))
    assert found is not None and found.chain == ("stored on self.key of A at line 4",)


def test_what_a_decorator_returns_is_not_kept(reach: Reached) -> None:
    factory = "def make(n):\n    def inner(x):\n        return x + n\n    return inner\n"
    assert reach(factory + "\n\n@make(1)\ndef f():\n    pass\n") is None


def test_what_a_public_function_returns_may_be_kept_and_what_a_private_one_returns_may_not(reach: Reached) -> None:
    found = reach("def make(n):\n    def inner(x):\n        return x + n\n    return inner\n")
    assert found is not None and found.chain == ("returned by make at line 4",)


def test_what_only_the_file_itself_uses_up_is_not_kept(reach: Reached) -> None:
    assert (
        reach("def _make(n):\n    return lambda x: x + n\n\n\ndef go(xs):\n    return [_make(1)(x) for x in xs]\n")
        is None
    )


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
            assert any(boundary.takes(*place) for place in places), callee
            assert boundary.pickler in ("pickle", "cloudpickle", "dill", "deepcopy"), callee


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
