"""The way to each part that cannot be pickled, and what cannot be loaded: under every interpreter on the PATH."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.verify.launch import PROBE

from .test_probe import PYTHONS

HEAD = """
import collections, functools, importlib.util, io, pickle, queue, sys, threading
spec, other = (importlib.util.spec_from_file_location("one", path) for path in sys.argv[1:])
L, F = importlib.util.module_from_spec(spec), importlib.util.module_from_spec(other)
spec.loader.exec_module(L)
other.loader.exec_module(F)


def show(root, value, like=None):
    for leaf in L.leaves(value, like):
        print(L.written(root, leaf.steps), "is", L.described(leaf.value))


lock = threading.Lock()


class Box:
    def __init__(self, **parts):
        vars(self).update(parts)
"""

# What is pickled, and what is said of it.
CASES = {
    "attribute": ("Box(a=1, b=lock)", ["x.b is a _thread.lock"]),
    "each of several": ("Box(a=lock, b=threading.Lock())", ["x.a is a _thread.lock", "x.b is a _thread.lock"]),
    "one object met twice": ("[lock, lock]", ["x[0] is a _thread.lock"]),
    "containers": ("{'k': [1, (2, lock)]}", ["x['k'][1][1] is a _thread.lock"]),
    "key": ("{Box(a=lock): 1}", ["x(key Box).a is a _thread.lock"]),
    "deque": ("collections.deque([1, lock])", ["x[1] is a _thread.lock"]),
    "subclass of list": ("type('L', (list,), {})", ["x is L"]),
    "default factory": ("collections.defaultdict(lambda: 0)", ["x.default_factory is <lambda>"]),
    "partial": (
        "functools.partial(print, lock, end=(i for i in ()))",
        ["x.args[0] is a _thread.lock", "x.keywords['end'] is a generator"],
    ),
    "bound method": ("Box(a=Box(a=lock).__init__)", ["x.a.__self__.a is a _thread.lock"]),
    "exception": ("ValueError('m', lock)", ["x.args[1] is a _thread.lock"]),
    "queue": ("Box(q=queue.Queue())", ["x.q.mutex is a _thread.lock"]),
    "cycle": ("(lambda box: (vars(box).update(me=box, a=lock), box)[1])(Box())", ["x.a is a _thread.lock"]),
    "root": ("lock", ["x is a _thread.lock"]),
    "nothing": ("Box(a=[1, 2], b=print)", []),
}


def run(python: str, text: str, tmp_path: Path) -> list[str]:
    script = tmp_path / "script.py"
    script.write_text(HEAD + text)
    files = [str(PROBE.with_name(f"{name}.py")) for name in ("leaves", "faults")]
    done = subprocess.run([python, str(script), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("python", PYTHONS)
def test_every_leaf_is_named_with_the_way_to_it(python: str, tmp_path: Path) -> None:
    text = "".join(f"print({name!r})\nshow('x', {value})\n" for name, (value, _) in CASES.items())
    expected = [line for name, (_, said) in CASES.items() for line in (name, *said)]
    assert run(python, text, tmp_path) == expected


SLOTS_AND_REDUCE = """
class Slots:
    __slots__ = ("a", "held")
    def __init__(self):
        self.a, self.held = 1, lock

class Reduced:
    def __init__(self, held):
        self.held = held
    def __reduce__(self):
        return Reduced, (self.held,)

class Refuses:
    def __reduce__(self):
        raise RuntimeError("on purpose")

def local():
    class Local:
        pass
    return Local()

show("slots", Slots())
show("reduced", Reduced(lock))
show("local", [local()])
print(L.leaves([Refuses()])[0].error)

deep = []
for _ in range(5000):
    deep = [deep]
print(type(L.leaves(deep)[0].error).__name__, L.leaves(deep)[0].value is deep)
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_ways_through_slots_reductions_and_classes(python: str, tmp_path: Path) -> None:
    assert run(python, SLOTS_AND_REDUCE, tmp_path) == [
        "slots.held is a _thread.lock",
        "reduced.held is a _thread.lock",
        "local[0].__class__ is local.<locals>.Local",
        "on purpose",
        "RecursionError True",
    ]


def test_a_pickler_with_reducers_of_its_own_is_followed(tmp_path: Path) -> None:
    text = """
import cloudpickle

def outer():
    mine = threading.Lock()
    return lambda: (mine, lock)

show("f", outer(), cloudpickle.Pickler(io.BytesIO()))
show("f", [lambda: 0, outer], cloudpickle.Pickler(io.BytesIO()))
"""
    assert run(sys.executable, text, tmp_path) == [
        "f.__closure__['mine'] is a _thread.lock",
        "f.__globals__['lock'] is a _thread.lock",
        "f[1].__globals__['lock'] is a _thread.lock",
    ]


def test_what_dill_does_to_the_table_of_pickle_does_not_count(tmp_path: Path) -> None:
    text = """
pickle._Pickler.dispatch[type(lock)] = lambda self, obj: self.save(None)
pickle._Pickler.dispatch[type(show)] = lambda self, obj: self.save(None)
spec.loader.exec_module(L)
show("x", [lock, lambda: 0])
"""
    assert run(sys.executable, text, tmp_path) == ["x[0] is a _thread.lock", "x[1] is <lambda>"]


LOADS = r"""
class Two(Exception):
    def __init__(self, one, two):
        super().__init__(one)

class Delegates:
    def __getattr__(self, name):
        return getattr(self.inner, name)
    def __getstate__(self):
        return dict(self.__dict__)

class Sets(dict):
    def __setitem__(self, key, value):
        self.count += 1

class Never:
    def __setstate__(self, state):
        raise ValueError("not here")

never, delegates = Never(), Delegates()
never.x = delegates.x = 1
for value in Two(1, 2), [delegates], Sets(a=1), {"k": Box(a=never)}, Box(a=1):
    fault = F.fault(pickle.dumps(value, 4))
    print(fault and "%s %s" % (fault.name, type(fault.error).__name__))
print(F.fault(b"cnowhere\nThing\n.").name)
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_the_class_that_cannot_be_loaded_is_named(python: str, tmp_path: Path) -> None:
    assert run(python, LOADS, tmp_path) == [
        "__main__.Two TypeError",
        "__main__.Delegates RecursionError",
        "__main__.Sets AttributeError",
        "__main__.Never ValueError",
        "None",
        "nowhere.Thing",
    ]
