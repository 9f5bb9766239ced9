"""What of an instance and of the objects within it must arrive as it was, and what is left to the classes."""

from __future__ import annotations

import array
import collections
import copy
import datetime
import decimal
import enum
import functools
import logging
import pathlib
import pickle
import types
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fixpickle.model import ByState, Proved, Refuted
from fixpickle.verify.child.modules import contents
from fixpickle.verify.child.plain import plain
from fixpickle.verify.child.portraits import Painter

from .test_prove import Tree, tree  # noqa: F401 - the fixture


class Color(enum.Enum):
    RED = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Row:
    name: str = "a"
    tags: list[Any] = field(default_factory=lambda: ["x", {"y": 1.5}])


@dataclass(frozen=True)
class Point:
    x: float = float("nan")
    color: Color = Color.RED


class Slotted:
    __slots__ = ("__dict__", "__hidden", "left")

    def __init__(self) -> None:
        self.left, self.__hidden, self.more = 1, Row(), 2


class Same:
    """Equal to nothing but itself."""

    def __init__(self) -> None:
        self.seen = {1: Row(), "two": [Row("b")]}


class Loud:
    """Whatever is asked of it is an error."""

    def __init__(self) -> None:
        self.__dict__["count"] = 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AssertionError(name)

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __hash__(self) -> int:
        raise AssertionError

    def __repr__(self) -> str:
        raise AssertionError

    def __bool__(self) -> bool:
        raise AssertionError


class Node:
    def __init__(self) -> None:
        self.kids: list[Any] = []
        self.up: Any = None


class Cached:
    def __init__(self) -> None:
        self.size = 3
        self.whole

    @functools.cached_property
    def whole(self) -> Row:
        return Row(str(self.size))


class Forgets:
    """Its hooks are its own: what they leave out is no fault."""

    def __init__(self) -> None:
        self.name, self.cache = "a", {"b": Row()}

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name}


class Counts:
    """Pickling changes the live one, as it always did."""

    def __init__(self) -> None:
        self.pickled = 0

    def __getstate__(self) -> dict[str, Any]:
        self.pickled += 1
        return vars(self).copy()


class Watched(dict):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__(a=1)
        self.reads = 0


class Registered:
    def __init__(self) -> None:
        self.number = 1


class Named(collections.namedtuple("Named", "a b")):
    pass


def _restored(_: Any) -> tuple[Any, ...]:
    made = Registered()
    made.number = 2
    return types.SimpleNamespace, ()


class Holder:
    def __init__(self, part: Any) -> None:
        self.part = part


def ring() -> Node:
    top, kid = Node(), Node()
    top.kids, kid.up = [kid, kid, {"top": top}], top
    return top


def deep(levels: int) -> Node:
    top = here = Node()
    for _ in range(levels):
        here.up = Node()
        here = here.up
    return top


def paint(value: Any, without: tuple[str, ...] = (), entered: Callable[[type], bool] = lambda cls: True) -> Painter:
    painter = Painter(without, entered)
    painter.paint(value)
    return painter


def lost(value: Any, arrived: Any, without: tuple[str, ...] = ()) -> list[str]:
    """What of objects without hooks is not there any more."""
    was, now = paint(value, without, lambda cls: False), paint(arrived, without)
    return [difference for shown in was.portrait.values() for difference in now.difference(shown)]


def alike() -> dict[str, Any]:
    return {
        "plain": {"a": [1, (2.5, b"x"), {3, 4}, None, range(3), 1j, float("inf")]},
        "a dataclass": Row(),
        "a frozen one with nan and an enum": Point(),
        "flags": [Access.READ, Access.READ | Access.WRITE],
        "slots and a dictionary": Slotted(),
        "objects in dictionaries and lists": Same(),
        "an object whose methods all fail": Loud(),
        "a ring": ring(),
        "more levels than are entered": deep(40),
        "more objects than are entered": [Row(str(n)) for n in range(2000)],
        "the same object twice": [row := Row(), row],
        "a cached property": Cached(),
        "its own hooks": Forgets(),
        "its own hooks in a list": [Forgets(), {"a": Forgets()}],
        "a logger, which holds all loggers": logging.getLogger("fixpickle.test"),
        "a dictionary of its own class": Watched(),
        "a named tuple": Named(1, Row()),
        "a function, a class, a method": [ring, Row, Row().tags.append],
        "a partial": functools.partial(deep, 3),
        "a path": pathlib.PurePosixPath("a/b"),
        "an exception": ValueError("a", Row()),
        "an ordered dictionary, a deque, a counter": [collections.OrderedDict(a=Row()), collections.deque([1])],
        "a namespace": types.SimpleNamespace(a=Row()),
        "objects as keys": {Point(1.0): Row()},
        "objects in a set": {Point(1.0), Point(2.0)},
        "nothing in it": object(),
    }


@pytest.mark.parametrize("name", alike())
def test_what_pickle_carries_over_is_found_as_it_was(name: str) -> None:
    value = Holder(alike()[name])
    assert lost(value, pickle.loads(pickle.dumps(value))) == []
    assert paint(value).portrait == paint(value).portrait


def test_what_cannot_be_pickled_is_no_trouble_to_paint() -> None:
    holder = Holder([weakref.WeakKeyDictionary(), (n for n in "a"), weakref.ref(Row), logging, iter([])])
    shown = paint(holder, entered=lambda cls: False).portrait
    assert shown[""]["part"] == "a list of 5" and len(shown[""]) == 6
    assert shown[""]["part[1]"] == "some builtins:generator"


def changed(value: Any, change: Callable[[Any], object]) -> Any:
    """As if that had arrived."""
    other = copy.deepcopy(value)
    change(other)
    return other


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (Row(), lambda h: setattr(h.part, "name", "b"), "part.name was 'a' and is 'b'"),
        (Row(), lambda h: delattr(h.part, "name"), "part.name was 'a' and is nothing"),
        (Row(), lambda h: setattr(h.part, "name", object()), "part.name was 'a' and is some builtins:object"),
        ([Row()], lambda h: h.part[0].tags.append(1), "part[0].tags was list('x', {'y': 1.5, }, )"),
        ({"a": Row()}, lambda h: h.part.clear(), "part['a'] was an instance of"),
        (Row(), lambda h: setattr(h, "part", Point()), "test_portraits:Row and is an instance of"),
        (Slotted(), lambda h: setattr(h.part, "_Slotted__hidden", None), "part.__hidden was an instance of"),
        (ring(), lambda h: setattr(h.part.kids[0], "up", 1), "part.kids[0].up was what part is and is 1"),
    ],
)
def test_what_arrives_otherwise_within_is_told_by_its_path(
    part: Any, change: Callable[[Any], object], said: str
) -> None:
    value = Holder(part)
    assert said in " ".join(lost(value, changed(value, change)))


def test_what_fixes_touch_is_left_out_within_too() -> None:
    value = Holder(Slotted())
    arrived = changed(value, lambda h: setattr(h.part, "_Slotted__hidden", None))
    assert lost(value, arrived, ("__hidden",)) == []


def test_a_class_with_hooks_is_entered_only_where_they_may_have_come_with_the_fix() -> None:
    assert sorted(paint(Holder(Forgets())).portrait) == ["", "part", "part.cache['b']"]
    assert paint(Holder(Forgets()), entered=lambda cls: False).portrait == {"": {"part": f"some {__name__}:Forgets"}}


def test_properties_and_slots_are_read_behind_the_back_of_the_class() -> None:
    assert contents(Loud()) == {"count": 1}
    assert set(contents(Slotted())) == {"more", "left", "__hidden"}


def test_a_long_value_is_told_by_what_it_begins_with_and_a_digest() -> None:
    text = plain("a" * 1000)
    assert text is not None and text.startswith("'aaa") and len(text) < 150 and text != plain("a" * 1001)
    assert plain([1] * 200_001) is None


SHOP = """\
import threading


class Shelf:
    def __init__(self):
        self.rows = [1, 2]
        self.label = "top"


class Shop:
    def __init__(self):
        self.shelf = Shelf()
        self.lock = threading.Lock()
"""
DROPS = """\

    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k != "lock"}

    def __setstate__(self, state):
        vars(self).update(state)
        self.lock = threading.Lock()
"""
LOCK = ByState("m", "Shop", "lock", "threading.Lock()", "threading.Lock()")
LOSES = "\n    def __getstate__(self):\n        return {'rows': self.rows}\n"
FIRST = '        self.label = "top"\n'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "", ""),
        ("        self.lock = ", "        self.shelf.rows = [1]\n        self.lock = ", "shelf.rows was list(1, 2, )"),
        ("        return", "        self.shelf.label = 'low'\n        return", "in shelf: shelf.label was 'top'"),
    ],
)
def test_what_a_fix_does_to_objects_within_decides(
    tree: Callable[..., Tree], old: str, new: str, reason: str  # noqa: F811
) -> None:
    there = tree(m=SHOP)
    (verdict,) = there.prove(there.patch("m.py", [(SHOP, SHOP + DROPS.replace(old, new))], LOCK))
    assert isinstance(verdict, Refuted) and reason in verdict.reason if reason else isinstance(verdict, Proved)


@pytest.mark.parametrize("before", [True, False])
def test_hooks_of_a_class_within_count_against_a_fix_that_brings_them(
    tree: Callable[..., Tree], before: bool  # noqa: F811
) -> None:
    shelf = SHOP.replace(FIRST, FIRST + LOSES)
    there = tree(m=shelf if before else SHOP)
    text = shelf if before else SHOP
    (verdict,) = there.prove(there.patch("m.py", [(text, shelf + DROPS)], LOCK))
    if before:
        assert isinstance(verdict, Proved)
    else:
        assert isinstance(verdict, Refuted)
        assert verdict.reason.startswith("plain attributes of shelf arrive as they were: shelf.label was 'top'")


def test_hooks_that_were_there_before_may_change_what_is_held_beside_them(
    tree: Callable[..., Tree],  # noqa: F811
) -> None:
    child = "\nclass Child:\n    def __init__(self, shelf):\n        self.shelf = shelf\n"
    child += "\n    def __getstate__(self):\n        self.shelf.label += 'x'\n        return vars(self).copy()\n\n"
    text = SHOP.replace("\nclass Shop", child + "\nclass Shop")
    text = text.replace("        self.lock", "        self.child = Child(self.shelf)\n        self.lock")
    there = tree(m=text)
    (verdict,) = there.prove(there.patch("m.py", [(text, text + DROPS)], LOCK))
    assert isinstance(verdict, Proved), verdict


class Text(str):
    """A built-in value of a class of its own."""


class Number(int):
    pass


class Rows(list):  # type: ignore[type-arg]
    pass


Pair = collections.namedtuple("Pair", "x y")
DAY = datetime.datetime(2020, 1, 1)
# What there was, and what arrives in its place.
OTHERS: dict[str, tuple[Any, Any]] = {
    "an emptied deque": (collections.deque([1]), collections.deque()),
    "an ordered dictionary": (collections.OrderedDict(a=1), collections.OrderedDict()),
    "a defaultdict": (collections.defaultdict(list, a=[1]), collections.defaultdict(list)),
    "a counter": (collections.Counter("aab"), collections.Counter("ab")),
    "a named tuple": (Pair(1, 2), Pair(2, 1)),
    "a date that is None": (DAY, None),
    "another date": (DAY, DAY.replace(day=2)),
    "a decimal": (decimal.Decimal("1.5"), decimal.Decimal("1.6")),
    "a new id": (uuid.uuid4(), uuid.uuid4()),
    "an array": (array.array("d", [1, 2]), array.array("d", [1, 3])),
    "memory": (memoryview(b"ab"), memoryview(b"ac")),
    "another function": (len, max),
    "another class": (Row, Point),
    "a method that is None": ([].append, None),
    "a partial": (functools.partial(max, 1), functools.partial(max, 2)),
    "a namespace": (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
    "the end of a long list": ([*range(5000)], [*range(4999), 0]),
    "the number of many": ([Row] * 200 + [object()], [Row] * 199 + [object()]),
    "many keys": ({n: object() for n in range(500)}, {n: object() for n in range(200)}),
    "a text of a class": (Text("a"), Text("b")),
    "a number of a class": (Number(1), Number(2)),
    "a number of another class": (Number(1), 1),
    "a list of a class": (Rows([1]), Rows()),
    "a dictionary of a class": (Watched(), changed(Watched(), dict.clear)),
    "a set of objects": ({Point(1.0), Point(2.0)}, {Point(1.0)}),
    "objects as keys": ({Point(1.0): 1}, {}),
    "two that were one": ([row := Row(), row], [Row(), Row()]),
    "two lists that were one": ({"a": (many := [1]), "b": many, "c": object()}, {"a": [1], "b": [1], "c": object()}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_another_value_than_it_was_is_told(name: str) -> None:
    was, arrives = OTHERS[name]
    assert lost(Holder(was), Holder(arrives))


def test_two_that_are_one_need_not_have_been() -> None:
    """A class may give the same object for the same arguments."""
    row = Row()
    assert lost(Holder([Row(), Row()]), Holder([row, row])) == []


HOOKED = """\
import collections, datetime, decimal, functools, os, threading, uuid
{top}

class A:
    def __init__(self):
        self.lock = threading.Lock()
        {made}
"""
GIVEN = """\

    def __getstate__(self):
        state = dict(self.__dict__)
        del state["lock"]
        {sent}
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.lock = threading.Lock()
        {back}
"""
OBJECT = "class O:\n    def __init__(self, n=1):\n        self.n = n\n"
TWIN = "def _made():\n    return type('A', (A,), {'__module__': __name__, '__qualname__': 'A'})()\n"
# What the constructor makes, what a wrong hook does when sent and when back, and what else is in the module.
WRONG = {
    "what is left in the live one": ("self.q = collections.deque([1])", "self.q = None", "", ""),
    "the lock of the live one": ("", "self.lock = None", "", ""),
    "another lock in the live one": ("", "self.lock = threading.Lock()", "", ""),
    "what only this process knows": ("KNOWN[id(self)] = 1", "state['k'] = id(self)", "KNOWN[state['k']]", "KNOWN = {}"),
    "a copy of the process": ("", "", "os.fork() and os._exit(0)", ""),
    "a class of that name": ("", "", "self.__class__ = type(_made())", TWIN),
}
# Whatever these are or do, they arrive as they were.
RIGHT = {
    "a number of many digits": ("self.q = 10 ** 5000", ""),
    "text that cannot be encoded": ("self.q = '\\ud800' * 100", ""),
    "a large list": ("self.q = list(range(300_000))", ""),
    "objects in sets and as keys": ("self.q = {O(1), O(2)}; self.d = {O(): 1}", OBJECT),
    "hashes and addresses": ("self.q = hash('x'); self.i = id(self)", ""),
    "a ring": ("self.q = [self]; self.q.append(self.q)", ""),
    "containers of the library": (
        "self.q = collections.deque([1], 3), collections.Counter('a'), P(1, O())",
        "P = collections.namedtuple('P', 'x y')\n" + OBJECT,
    ),
    "dates and numbers": ("self.q = [datetime.datetime.now(), decimal.Decimal('NaN'), uuid.uuid4()]", ""),
    "what reduces itself to another": ("self.q = R()", "class R:\n    def __reduce__(self): return dict, ()\n"),
    "a list that says what becomes of it": (
        "self.q = R([1])",
        "class R(list):\n    def __reduce__(self): return R, ()\n",
    ),
    "a dictionary that shows other items": (
        "self.q = R(a=1)",
        "class R(dict):\n    def items(self): return [('b', 2)]\n",
    ),
    "one that there is once": ("self.q = ONE", "class R:\n    def __reduce__(self): return 'ONE'\nONE = R()\n"),
    "objects that fail at everything": (
        "self.q = R()",
        "class R:\n    def fails(self, *_): raise ValueError\n"
        "    __repr__ = __len__ = __bool__ = __iter__ = fails\n",
    ),
    "functions, classes, methods": (
        "self.q = [len, O, O().m, functools.partial(max, 1), type(self)]",
        "class O:\n    def m(self): pass\n",
    ),
    "a module that closes files, clears and leaves": ("", "os.closerange(0, 64); os.environ.clear(); os.chdir('/')"),
    "a module that leaves a thread": ("", "threading.Thread(target=threading.Event().wait).start()"),
}


def hooked(there: Callable[..., Tree], cases: dict[str, tuple[str, str, str, str]]) -> dict[str, Any]:
    """The verdict on each fix that brings hooks: all are tried together."""
    texts = {f"m{n}": HOOKED.format(made=made, top=top) for n, (made, _, _, top) in enumerate(cases.values())}
    files = there(**texts)
    patches = [
        files.patch(
            f"m{n}.py",
            [(texts[f"m{n}"], texts[f"m{n}"] + GIVEN.format(sent=sent, back=back))],
            ByState(f"m{n}", "A", "lock", "threading.Lock()", "threading.Lock()"),
        )
        for n, (_, sent, back, _) in enumerate(cases.values())
    ]
    return dict(zip(cases, files.prove(*patches), strict=True))


def test_a_fix_that_loses_something_is_refuted(tree: Callable[..., Tree]) -> None:  # noqa: F811
    assert [name for name, v in hooked(tree, WRONG).items() if not isinstance(v, Refuted)] == []


def test_a_fix_that_loses_nothing_is_proved_whatever_the_object_is(tree: Callable[..., Tree]) -> None:  # noqa: F811
    verdicts = hooked(tree, {name: (made, "", "", top) for name, (made, top) in RIGHT.items()})
    assert {name: v for name, v in verdicts.items() if not isinstance(v, Proved)} == {}
