"""What objects of other libraries carry along: seen where such an object crosses, and believed of few that stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixpickle.model import Evidence, Reach

Reached = Callable[..., Reach | None]

HEAD = """
import multiprocessing, pickle, joblib, torchvision
from functools import partial
from dataclasses import dataclass
from torch.utils.data import DataLoader, Subset, random_split
from torchvision import datasets, transforms
from torchvision.transforms import Compose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from elsewhere import Thing, Holder, WorkerThread, Odd, BadError, make_thing, Base
"""

CROSSES = {
    "a list": "pickle.dumps(Compose([transforms.Lambda(lambda x: x)]))",
    "a dataset": "data = datasets.MNIST('.', transform=Compose([lambda x: x]))\nDataLoader(data, num_workers=2)",
    "a dataset of a name": (
        "data = datasets.__dict__[name]('.', transform=Compose([lambda x: x]))\nDataLoader(data, num_workers=2)"
    ),
    "a dataset of an attribute": (
        "kind = getattr(datasets, name)\ndata = kind('.', transform=lambda x: x)\nDataLoader(data, num_workers=2)"
    ),
    "a part of it": "DataLoader(Subset(datasets.MNIST('.', transform=lambda x: x), [1]), num_workers=2)",
    "parts of it": (
        "one, other = random_split(datasets.MNIST('.', transform=lambda x: x), [1, 2])\nDataLoader(one, num_workers=2)"
    ),
    "a pipeline": "joblib.dump(make_pipeline(FunctionTransformer(lambda x: x)), 'p')",
    "any class": "pickle.dumps(Thing(hook=lambda x: x))",
    "in one another": "pickle.dumps(Thing(Holder([Odd(lambda x: x)])))",
    "in a container": "things = []\nthings.append(Thing(lambda x: x))\npickle.dumps(things)",
    "with arguments that are unpacked": "pickle.dumps(Thing(*[lambda x: x]))",
    "with keywords that are unpacked": "pickle.dumps(Thing(**{'hook': lambda x: x}))",
    "what a function gives": ("def make():\n    return Thing(lambda x: x)\ndef ship():\n    pickle.dumps(make())"),
    "what a function gives to another library": (
        "def make():\n    return Compose([lambda x: x])\n"
        "def ship():\n    DataLoader(datasets.MNIST('.', transform=make()), num_workers=2)"
    ),
    "what a function takes": "def ship(it):\n    pickle.dumps(Holder(it))\nship(Thing(lambda x: x))",
    "what a class keeps": (
        "class Own:\n    def __init__(self):\n        self.thing = Thing(lambda x: x)\npickle.dumps(Own())"
    ),
    "what a class is given": (
        "class Own:\n    def __init__(self, thing):\n        self.thing = thing\n"
        "own = Own(Thing(lambda x: x))\npickle.dumps(own)"
    ),
    "what a base takes": (
        "class Own(Thing):\n    def __init__(self):\n        super().__init__(lambda x: x)\npickle.dumps(Own())"
    ),
    "what a base takes that is named": (
        "class Own(Thing):\n    def __init__(self):\n        Thing.__init__(self, lambda x: x)\npickle.dumps(Own())"
    ),
    "what a base takes through super with arguments": (
        "class Own(Thing):\n    def __init__(self):\n        super(Own, self).__init__(lambda x: x)\n"
        "pickle.dumps(Own())"
    ),
    "a class of its own that has no constructor": "class Own(Thing):\n    pass\npickle.dumps(Own(lambda x: x))",
    "a dataclass": "@dataclass\nclass Own:\n    hook: object\npickle.dumps(Own(lambda x: x))",
    "keywords that may bring workers": "def load(rows, **more):\n    DataLoader(rows, collate_fn=lambda x: x, **more)",
    "keywords that bring workers": "more = {'num_workers': 1}\nDataLoader([], collate_fn=lambda x: x, **more)",
    "keywords that bring workers or nothing": (
        "more = {'num_workers': 1} if name else {}\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "keywords of dict": "more = dict(num_workers=1)\nDataLoader([], collate_fn=lambda x: x, **more)",
    "keywords that somebody adds": (
        "more = {'pin_memory': True}\nname.fill(more)\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "keywords that are set": "more = {}\nmore['num_workers'] = 3\nDataLoader([], collate_fn=lambda x: x, **more)",
    "keywords that are made of themselves": (
        "more = {}\nmore = {**more, 'pin_memory': True}\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "a keyword in a dictionary": "more = {'collate_fn': lambda x: x, 'num_workers': 2}\nDataLoader([], **more)",
    "a keyword in a call of dict": "more = dict(collate_fn=lambda x: x, num_workers=2)\nDataLoader([], **more)",
    "a keyword that is set": "more = {'num_workers': 2}\nmore['worker_init_fn'] = lambda x: x\nDataLoader([], **more)",
    "a keyword that is updated": (
        "more = {'num_workers': 2}\nmore.update(worker_init_fn=lambda x: x)\nDataLoader([], **more)"
    ),
    "a keyword of one of two dictionaries": (
        "few = {'collate_fn': lambda x: x}\nmore = {**few, 'num_workers': 2}\nDataLoader([], **more)"
    ),
    "a keyword in a function's": (
        "def load(rows, collate_fn):\n    return DataLoader(rows, num_workers=2, collate_fn=collate_fn)\n"
        "more = {'collate_fn': lambda x: x}\nload([], **more)"
    ),
    "what a partial boundary is given": "load = partial(DataLoader, num_workers=2)\nload([], collate_fn=lambda x: x)",
    "what a partial boundary is made with": (
        "load = partial(DataLoader, collate_fn=lambda x: x)\nload([], num_workers=2)"
    ),
    "what a partial object is made with": (
        "class Own:\n    def __init__(self, hook, rows):\n        self.hook = hook\n"
        "make = partial(Own, lambda x: x)\nown = make([1])\npickle.dumps(own)"
    ),
    "what a partial object is given": (
        "class Own:\n    def __init__(self, rows, hook):\n        self.hook = hook\n"
        "make = partial(Own, [1])\nown = make(lambda x: x)\npickle.dumps(own)"
    ),
    "a loader with keywords of its own": (
        "class Own(DataLoader):\n    def __init__(self, rows, **more):\n"
        "        super(Own, self).__init__(rows, collate_fn=lambda x: x, **more)"
    ),
}


@pytest.mark.parametrize("text", CROSSES.values(), ids=CROSSES)
def test_what_an_object_of_another_library_is_made_of_crosses_with_it(reach: Reached, text: str) -> None:
    found = reach(f"{HEAD}name = input()\n{text}\n")
    assert found is not None and found.evidence is Evidence.BOUNDARY


KEPT = {
    "by what a class method makes": (
        "class Own:\n    def __init__(self, hook):\n        self.hook = hook\n"
        "    @classmethod\n    def made(cls):\n        return cls(lambda x: x)"
    ),
    "beside others": ("def _made():\n    return Compose([lambda x: x])\ndef load():\n    return name, _made()"),
    "on an instance": "class Own:\n    def __init__(self):\n        self.t = Compose([transforms.Lambda(lambda x: x)])",
    "by who calls": "def make():\n    return Compose([lambda x: x])",
    "with the pipeline": "def make():\n    return make_pipeline(FunctionTransformer(lambda x: x))",
    "by a base": (
        "class Own(datasets.MNIST):\n    def __init__(self):\n        super().__init__('.', transform=lambda x: x)"
    ),
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_is_made_to_be_kept_is_state_with_all_it_is_made_of(reach: Reached, text: str) -> None:
    found = reach(f"{HEAD}{text}\n")
    assert found is not None and found.evidence is Evidence.STATE


STAYS = {
    "an object that is kept": "class Own:\n    def __init__(self):\n        self.thing = Thing(lambda x: x)",
    "an object that is returned": "def make():\n    return Thing(lambda x: x)",
    "an object in one that is made to be kept": "def make():\n    return Compose([Thing(lambda x: x)])",
    "a function's result": "pickle.dumps(make_thing(lambda x: x))",
    "a method's result": "pickle.dumps(Thing().made(lambda x: x))",
    "an attribute of it": "pickle.dumps(Thing(lambda x: x).size)",
    "what its method gives": "pickle.dumps(Thing(lambda x: x).run())",
    "what calling it gives": "pickle.dumps(Thing(lambda x: x)(1))",
    "an exception": "pickle.dumps(BadError(lambda x: x))",
    "a thread": "multiprocessing.Pool().map(print, [WorkerThread(lambda x: x)])",
    "a window": "import wx\npickle.dumps(wx.Button(lambda x: x))",
    "a class of the standard library": "import string\npickle.dumps(string.Formatter(lambda x: x))",
    "a class of its own that drops it": (
        "class Own:\n    def __init__(self, hook):\n        hook()\npickle.dumps(Own(lambda x: x))"
    ),
    "a class of its own that hides it": (
        "class Own(Thing):\n    def __init__(self):\n        super().__init__(lambda x: x)\n"
        "    def __reduce__(self):\n        return Own, ()\npickle.dumps(Own())"
    ),
    "another object of the class": "pickle.dumps(Thing())\nThing(lambda x: x)",
    "a base of what stays": "class Own(Thing):\n    def __init__(self):\n        super().__init__(lambda x: x)",
    "another base": (
        "class Own(Thing):\n    def __init__(self):\n        super(Base, self).__init__(lambda x: x)\n"
        "pickle.dumps(Own())"
    ),
    "a loader without workers": "DataLoader(datasets.MNIST('.', transform=lambda x: x))",
    "a loader in this process": "more = {'num_workers': 0}\nDataLoader([], collate_fn=lambda x: x, **more)",
    "a loader in this process or without workers": (
        "more = {'num_workers': 0} if name else {}\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "a loader with other keywords": "more = dict(pin_memory=True)\nDataLoader([], collate_fn=lambda x: x, **more)",
    "a loader that is said to have none": (
        "def load(rows, **more):\n    DataLoader(rows, collate_fn=lambda x: x, num_workers=0, **more)"
    ),
    "keywords that are set besides": (
        "more = {}\nmore['pin_memory'] = True\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "keywords in keywords": (
        "few = {'num_workers': 0}\nmore = {**few, 'drop_last': True}\nDataLoader([], collate_fn=lambda x: x, **more)"
    ),
    "a keyword in a dictionary that stays": (
        "more = {'generator': lambda x: x, 'num_workers': 2}\nDataLoader([], **more)"
    ),
    "another keyword that is set": (
        "more = {'num_workers': 2}\nmore['generator'] = lambda x: x\nDataLoader([], **more)"
    ),
    "a partial boundary in this process": (
        "load = partial(DataLoader, num_workers=0)\nload([], collate_fn=lambda x: x)"
    ),
    "a partial that is not called": "load = partial(DataLoader, collate_fn=lambda x: x)\nload.func([], num_workers=2)",
    "what a partial object drops": (
        "class Own:\n    def __init__(self, hook, rows):\n        self.hook = rows\n"
        "make = partial(Own, lambda x: x)\nown = make([1])\npickle.dumps(own)"
    ),
    "what a class method makes of itself and uses up": (
        "class Own:\n    def __init__(self, hook):\n        self.hook = hook\n"
        "    @classmethod\n    def made(cls):\n        cls(lambda x: x).hook()"
    ),
    "what a class method hands to another": (
        "class Own:\n    def __init__(self, hook):\n        self.hook = hook\n"
        "    @classmethod\n    def made(cls, other):\n        return other(lambda x: x)"
    ),
    "jobs in keywords": ("more = {'n_jobs': 1}\njoblib.Parallel(**more)(joblib.delayed(lambda x: x)(n) for n in [1])"),
}


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS)
def test_what_such_an_object_does_not_carry_anywhere_is_left_alone(reach: Reached, text: str) -> None:
    assert reach(f"{HEAD}name = input()\n{text}\n") is None


STARRED = "from {0} import *\ndef ship(rows):\n    with Pool(2) as pool:\n        pool.map(lambda row: row, rows)\n"
OWN = "class Pool:\n    def map(self, function, rows):\n        return list(map(function, rows))\n"


@pytest.mark.parametrize(
    ("names", "crosses"),
    [
        (["multiprocessing"], True),
        (["math", "multiprocessing"], True),
        (["multiprocessing", "multiprocessing.dummy"], True),
        (["multiprocessing.dummy"], False),
        ([".own"], False),
        (["math", ".own"], False),
        ([".other"], False),
    ],
)
def test_names_that_a_star_brings_are_those_of_the_module_that_has_them(
    reach: Reached, names: list[str], crosses: bool
) -> None:
    stars = "".join(f"from {name} import *\n" for name in names[1:])
    found = reach(stars + STARRED.format(names[0]), own=OWN, other="")
    assert (found is not None) is crosses


def test_no_star_brings_what_the_module_has_itself(reach: Reached) -> None:
    text = "from .own import *\nfrom math import *\ndef _give(op):\n    return lambda row: op(row)\n"
    found = reach(text + "def given(op):\n    return _give(op)\n", own="")
    assert found is not None and found.chain[-1].startswith("returned by given")
