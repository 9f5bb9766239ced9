"""`fixpickle.runtime.iterators`: what the counterparts of `itertools` give, beside what their originals do."""

from __future__ import annotations

import copy
import itertools
import pickle
import sys
import threading
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest

from fixpickle.runtime import iterators

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Level(IntEnum):
    LOW = 1


COUNTS: list[tuple[Any, ...]] = [
    *((), (5,), (5, 2), (5, -1), (-5,), (0, 0)),
    *((True,), (True, 2), (0, True), (Level.LOW,), (Level.LOW, 3)),
    *((sys.maxsize - 1,), (sys.maxsize,), (sys.maxsize + 1,), (-sys.maxsize - 1,), (0, 2**70), (2**70,)),
    *((0.5,), (0, 0.1), (0, 1.0), (1j,), (Decimal("1.1"),), (Fraction(1, 3), Fraction(1, 7))),
]
CYCLES: list[Any] = ["rgb", [1, 2, 3], (1,), (), {1: 2, 3: 4}, range(4)]


def shown(numbers: Any, many: int = 5) -> list[tuple[type, Any]]:
    """Some of what it gives, each with its type, which a plain comparison passes over."""
    return [(type(number), number) for number in itertools.islice(numbers, many)]


def copies(kept: Any) -> list[Any]:
    """What becomes of it by every protocol, and by `copy`."""
    pickled = [pickle.loads(pickle.dumps(kept, protocol)) for protocol in PROTOCOLS]
    return [*pickled, copy.copy(kept), copy.deepcopy(kept)]


@pytest.mark.parametrize("taken", [0, 1, 2, 4])
@pytest.mark.parametrize("arguments", COUNTS, ids=repr)
def test_a_count_goes_on_as_the_original(arguments: tuple[Any, ...], taken: int) -> None:
    original, ours = itertools.count(*arguments), iterators.count(*arguments)
    assert shown(original, taken) == shown(ours, taken)
    if taken != 1 or arguments != (sys.maxsize - 1,):  # the original shows `count(<NULL>)` there
        assert repr(ours) == repr(original)
    arrived = copies(ours)
    following = shown(original)
    assert all(isinstance(one, itertools.count) and shown(one) == following for one in (ours, *arrived))


def test_a_count_too_long_to_be_read_travels_all_the_same() -> None:
    ours = iterators.count(10**5000)
    next(ours)
    assert next(pickle.loads(pickle.dumps(ours))) == 10**5000 + 1


@pytest.mark.parametrize("wrong", [("a",), (None,), (1, "b"), (1, 2, 3)], ids=repr)
def test_a_count_refuses_what_the_original_refuses(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        itertools.count(*wrong)
    with pytest.raises(TypeError):
        iterators.count(*wrong)


def test_a_bound_next_carries_its_count_along() -> None:
    ours = iterators.count(start=3, step=2)
    both = (ours, ours.__next__)
    assert both[1]() == 3
    counter, bound = pickle.loads(pickle.dumps(both))
    assert [bound(), next(counter), bound()] == [5, 7, 9]
    assert next(ours) == 5


def test_a_subclass_says_what_it_cannot_do() -> None:
    assert pickle.loads(pickle.dumps(Serials(4))) == 4
    with pytest.raises(TypeError, match="counts integers"):
        pickle.dumps(Serials(0.5))


class Serials(iterators.count):  # type: ignore[type-arg]
    """Is equal to the number that it gives next."""

    def __eq__(self, other: object) -> bool:
        return bool(next(self) == other)

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("taken", range(8))
@pytest.mark.parametrize("source", CYCLES, ids=repr)
def test_a_cycle_goes_on_as_the_original(source: Any, taken: int) -> None:
    original, ours = itertools.cycle(source), iterators.cycle(source)
    assert shown(original, taken) == shown(ours, taken)
    arrived = [pickle.loads(pickle.dumps(ours, protocol)) for protocol in PROTOCOLS]
    following = shown(original, 7)
    assert all(shown(one, 7) == following for one in (ours, *arrived))


def test_a_deep_copy_of_a_cycle_leaves_it_where_it_stands() -> None:
    ours = iterators.cycle("rgb")
    for turn in range(7):
        one = copy.deepcopy(ours)
        assert shown(one, 4) == shown(copy.deepcopy(ours), 4)
        assert next(ours) == "rgb"[turn % 3]


def test_a_cycle_goes_through_what_it_is_given_only_when_asked() -> None:
    met = []
    ours = iterators.cycle(met.append(number) or number for number in range(3))  # type: ignore[func-returns-value]
    assert not met
    assert [next(ours), next(ours)] == met == [0, 1]
    with pytest.raises(TypeError, match="generator"):
        pickle.dumps(ours)
    assert [next(ours) for _ in range(4)] == [2, 0, 1, 2]
    assert next(pickle.loads(pickle.dumps(ours))) == 0


@pytest.mark.parametrize("taken", range(3))
@pytest.mark.parametrize("arguments", [("a",), ("a", 3), ("a", 0), (None, -1)], ids=repr)
def test_a_repeat_goes_on_as_the_original(arguments: tuple[Any, ...], taken: int) -> None:
    original, ours = itertools.repeat(*arguments), iterators.repeat(*arguments)
    assert shown(original, taken) == shown(ours, taken)
    assert repr(ours) == repr(original)
    arrived = copies(ours)
    following = shown(original)
    assert all(shown(one) == following for one in (ours, *arrived))


def test_a_repeat_takes_its_arguments_by_name() -> None:
    assert list(iterators.repeat(object=1, times=2)) == [1, 1]


@pytest.mark.parametrize(
    "kept", [iterators.count(), iterators.count(0.0), iterators.cycle(range(40_000))], ids=["whole", "sums", "cycle"]
)
def test_of_several_threads_each_gets_a_number_of_its_own(kept: Any) -> None:
    got: list[Any] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: got.extend(next(kept) for _ in range(5_000))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sorted(got) == list(range(20_000))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="up to 3.13 the originals can be pickled")
@pytest.mark.parametrize(
    "original", [itertools.count(), itertools.cycle("a"), itertools.repeat(1)], ids=["count", "cycle", "repeat"]
)
def test_the_originals_cannot(original: Any) -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(original)
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.deepcopy(original)
