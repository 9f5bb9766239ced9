"""State hooks that are written for a class: what crosses, and what must not change on the way."""

from __future__ import annotations

import copy
import hashlib
import pickle
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixpickle.layout import layout
from fixpickle.model import Refusal, Source
from fixpickle.project import Project
from fixpickle.rewrite import Rebuilt, state_hooks
from fixpickle.source import apply_edits
from fixpickle.survey import Facts, survey
from fixpickle.survey.facts import Layout

LOCK = Rebuilt("lock", "threading.Lock()")


def source_of(text: str) -> Source:
    code = "import threading\n" + textwrap.dedent(text)
    digest = hashlib.sha256(code.encode()).hexdigest()
    return Source(Path("/p/held.py"), code, "utf-8", "\n", False, digest, "held", Path("/p"))


def surveyed(source: Source) -> Facts:
    facts = survey(source)
    assert isinstance(facts, Facts)
    return facts


def laid_out(source: Source, cls: str) -> Layout | str:
    facts = surveyed(source)
    return layout(Project([facts]), facts, cls)


def hooked(text: str, *rebuilt: Rebuilt, cls: str = "Held") -> str:
    """The text with hooks for these attributes, added one after the other as rounds of a run do."""
    source = source_of(text)
    for one in rebuilt:
        found = laid_out(source, cls)
        assert isinstance(found, Layout), found
        edits = state_hooks(source, cls, found, [one])
        assert not isinstance(edits, Refusal), edits
        assert all(e.start < e.end for e in edits)
        source = source_of(apply_edits(source.text, edits, "\n").removeprefix("import threading\n"))
    return source.text


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType("held")
    sys.modules["held"] = made
    yield made
    del sys.modules["held"]


def run(module: types.ModuleType, text: str) -> Any:
    exec(compile(text, "held.py", "exec"), vars(module))
    return module


def crossed(value: Any) -> Any:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        value = pickle.loads(pickle.dumps(value, protocol))
    return value


PLAIN = """
    class Held:
        def __init__(self, size=3):
            self.size = size
            self.lock = threading.Lock()

        def grow(self):
            self.size += 1
"""


def test_plain_class_crosses_and_the_live_object_keeps_its_lock(module: types.ModuleType) -> None:
    held = run(module, hooked(PLAIN, LOCK)).Held(7)
    lock = held.lock
    arrived = crossed(held)
    assert held.lock is lock
    assert (arrived.size, arrived.lock.acquire(False)) == (7, True)
    assert copy.deepcopy(held).size == 7


def test_hooks_stand_behind_the_constructor() -> None:
    text = hooked(PLAIN, LOCK)
    assert [line.strip() for line in text.splitlines() if "def " in line] == [
        "def __init__(self, size=3):",
        "def __getstate__(self):",
        "def __setstate__(self, state):",
        "def grow(self):",
    ]


def test_second_attribute_extends_the_hooks_of_the_first(module: types.ModuleType) -> None:
    text = hooked(
        """
        class Held:
            def __init__(self):
                self.lock = threading.Lock()
                self.ready = threading.Condition(self.lock)
        """,
        LOCK,
        Rebuilt("ready", "threading.Condition(self.lock)"),
    )
    assert text.count("def __getstate__") == text.count("def __setstate__") == 1
    arrived = crossed(run(module, text).Held())
    with arrived.ready:
        assert arrived.lock.locked()


def test_state_with_nothing_else_in_it_is_restored_with_every_protocol(module: types.ModuleType) -> None:
    text = hooked("class Held:\n    def __init__(self):\n        self.lock = threading.Lock()\n", LOCK)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        arrived = pickle.loads(pickle.dumps(run(module, text).Held(), protocol))
        assert arrived.lock.acquire(False)


def test_attribute_that_may_be_none_needs_no_setstate(module: types.ModuleType) -> None:
    text = hooked(PLAIN, Rebuilt("lock", ""))
    assert "__setstate__" not in text
    assert crossed(run(module, text).Held()).lock is None


def test_slots_are_carried_those_of_the_base_too(module: types.ModuleType) -> None:
    text = hooked(
        """
        class Base:
            __slots__ = ("name", "unset")

        class Held(Base):
            __slots__ = ("__lock", "size")

            def __init__(self):
                self.name, self.size, self.__lock = "n", 2, threading.Lock()

            def free(self):
                return self.__lock.acquire(False)
        """,
        Rebuilt("__lock", "threading.Lock()"),
    )
    held = run(module, text).Held()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        arrived = pickle.loads(pickle.dumps(held, protocol))
        assert (arrived.name, arrived.size, hasattr(arrived, "unset"), arrived.free()) == ("n", 2, False, True)


def test_hooks_of_a_base_are_called(module: types.ModuleType) -> None:
    text = hooked(
        """
        class Base:
            def __getstate__(self):
                state = self.__dict__.copy()
                state["handle"] = None
                return state

            def __setstate__(self, state):
                self.__dict__.update(state)
                self.handle = "again"

        class Held(Base):
            def __init__(self):
                self.handle = (n for n in ())
                self.lock = threading.Lock()
        """,
        LOCK,
    )
    arrived = crossed(run(module, text).Held())
    assert (arrived.handle, arrived.lock.acquire(False)) == ("again", True)


def test_subclass_inherits_the_hooks(module: types.ModuleType) -> None:
    text = hooked(PLAIN + "\n    class More(Held):\n        extra = 1\n", LOCK)
    arrived = crossed(run(module, text).More(5))
    assert (type(arrived).__name__, arrived.size, arrived.lock.acquire(False)) == ("More", 5, True)


@pytest.mark.parametrize(
    "getstate",
    [
        "state = dict(self.__dict__)\n                state.pop('cache', None)\n                return state",
        "return self.__dict__.copy()",
        "return {k: v for k, v in self.__dict__.items() if k != 'cache'}",
        "d = vars(self).copy()\n                d.pop('cache', None)\n                return d",
    ],
)
def test_hook_that_copies_is_extended(module: types.ModuleType, getstate: str) -> None:
    text = hooked(
        f"""
        class Held:
            def __init__(self):
                self.cache = {{}}
                self.lock = threading.Lock()

            def __getstate__(self):
                {getstate}
        """,
        LOCK,
    )
    assert text.count("def __getstate__") == 1
    assert crossed(run(module, text).Held()).lock.acquire(False)


def test_frozen_dataclass_is_set_through_object(module: types.ModuleType) -> None:
    text = hooked(
        """
        import dataclasses

        @dataclasses.dataclass(frozen=True)
        class Held:
            size: int = 3
            lock: object = dataclasses.field(default_factory=threading.Lock)
        """,
        LOCK,
    )
    assert crossed(run(module, text).Held(4)).lock.acquire(False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import http.client\nclass Held(http.client.HTTPConnection):\n    pass\n", "is not in the project"),
        ("def base(): ...\nclass Held(base()):\n    pass\n", "cannot be told|is not in the project"),
        ("class Held(dict):\n    pass\n", "builtins.dict is not in the project"),
        ("class Held:\n    def __reduce__(self):\n        return Held, ()\n", "has __reduce__"),
        ("class Held:\n    def __getstate__(self):\n        return 1, 2\n", "does more than copy"),
        ("class Held:\n    def __setstate__(self, s):\n        self.a = s['a']\n", "does not put the whole state back"),
        ("class Held:\n    pass\nclass Sub(Held):\n    __slots__ = ('x',)\n", "subclass Sub"),
        (
            "class Held:\n    pass\nclass Mix:\n    def __getstate__(self):\n        return {}\n"
            "class Sub(Held, Mix):\n    pass\n",
            "Mix",
        ),
        ("class Held:\n    __slots__ = tuple('ab')\n", "slots of Held cannot be read"),
        ("import dataclasses\n@dataclasses.dataclass(slots=True)\nclass Held:\n    a: int = 1\n", "shaped by"),
        ("class Meta(type): ...\nclass Held(metaclass=Meta):\n    pass\n", "shaped by metaclass"),
    ],
)  # fmt: skip
def test_class_that_hooks_could_harm_is_refused(text: str, reason: str) -> None:
    found = laid_out(source_of(text), "Held")
    assert isinstance(found, str)
    assert any(words in found for words in reason.split("|"))
