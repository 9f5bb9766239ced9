"""Work spread over processes gives what the same work gives in one."""

from __future__ import annotations

import os

from fixpickle.workers import each


def _square(number: int) -> int:
    return number * number


def _process(_: int) -> int:
    return os.getpid()


def test_results_come_in_the_order_of_the_items_whatever_the_number_of_processes() -> None:
    many = range(500)
    assert list(each(_square, many)) == [n * n for n in many]
    assert list(each(_square, [3, 1, 2])) == [9, 1, 4]


def test_few_items_are_not_worth_a_pool() -> None:
    assert set(each(_process, [1, 2, 3])) == {os.getpid()}
    if (os.cpu_count() or 1) > 1:
        assert os.getpid() not in set(each(_process, range(100)))
