"""Generic functions and classes that stand in functions (PEP 695): theirs move along, those of what is around stay."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fixpickle.testing import Files, cross, find, settle

since_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are syntax since Python 3.12")

BEFORE = '''\
"""Generic definitions in functions."""

from typing import Protocol


class Sized[V](Protocol):
    pass


class Row:
    pass


class Table:
    def __init__(self, size):
        def first[T: Row | None](values: list[T], default: T | None = None) -> T | None:
            """The first of them."""
            seen: list[T] = [*values, default]
            return seen[0]

        def padded[*Ts, **P, T](values: tuple[*Ts], more: T) -> tuple[*Ts, T]:
            def last[U](value: U) -> list[U | T]:
                return [value]

            return (*values, *last(more), size)

        class Cell[T]:
            value: T

            def with_value[U](self, value: U) -> "Cell[U | T]":
                self.value = value
                return self

        self.both = first, padded
        self.cell = Cell[int]()
        self.cell.with_value(size)


def subject():
    return Table(3)


def behave(obj):
    first, padded = obj.both
    return first([1, 2]), padded((1,), 2), obj.cell.value, type(obj.cell).__type_params__[0].__name__
'''

AFTER = '''\
"""Generic definitions in functions."""

from functools import partial
from typing import Protocol


class Sized[V](Protocol):
    pass


class Row:
    pass


def _table_first[T: Row | None](values: list[T], default: T | None = None) -> T | None:
    """The first of them."""
    seen: list[T] = [*values, default]
    return seen[0]


def _table_padded[*Ts, **P, T](size, /, values: tuple[*Ts], more: T) -> tuple[*Ts, T]:
    def last[U](value: U) -> list[U | T]:
        return [value]

    return (*values, *last(more), size)


class _Cell[T]:
    value: T

    def with_value[U](self, value: U) -> "Cell[U | T]":
        self.value = value
        return self


class Table:
    def __init__(self, size):
        padded = partial(_table_padded, size)

        self.both = _table_first, padded
        self.cell = _Cell[int]()
        self.cell.with_value(size)
'''

LEFT = '''\
"""What names a type parameter of the function or class around it, or has a local bound."""


class Around[S]:
    def __init__[K](self, key: K, Base):
        def annotated(value: K) -> K:  # left: local-function: `K` is a type parameter of Around.__init__
            return value

        def reads(value):  # left: local-function: `K` is a type parameter of Around.__init__
            return K, value

        def of_the_class(value: S):  # left: local-function: `S` is a type parameter of Around
            return value

        def bounded[T: Base](value: T):  # left: local-function: a type parameter names `Base`, which is local
            return value

        def bounded_by_outer[T: K](value: T):  # left: local-function: `K` is a type parameter of Around.__init__
            return value

        class Kept[T](list[K]):  # left: local-class: `K` is a type parameter of Around.__init__
            pass

        def shadows[K](value: K) -> K:  # finds: local-function
            return value

        def plain(value: int):  # finds: local-function
            K = 3
            return (lambda S: S + K)(value)

        self.all = annotated, reads, of_the_class, bounded, bounded_by_outer, shadows, plain
        self.kept = Kept()
'''


def files(text: str) -> Files:
    return {"generic.py": text.encode()}


@since_3_12
def test_generic_definitions_move_with_their_own_type_parameters(tmp_path: Path) -> None:
    made = settle(files(BEFORE), tmp_path).files["generic.py"].decode()
    assert made.partition("\n\n\ndef subject")[0] + "\n" == AFTER


@since_3_12
def test_they_cross_then_and_do_what_they_did(tmp_path: Path) -> None:
    for part in ("before", "settled", "after"):
        (tmp_path / part).mkdir()
    before = cross(files(BEFORE), "generic", tmp_path / "before")
    settled = settle(files(BEFORE), tmp_path / "settled", verify=True)
    after = cross(settled.files, "generic", tmp_path / "after")
    assert {type(one.verdict).__name__ for one in settled.report.fixed} == {"Proved"}
    assert "local object" in str(before.error) and before.here == after.here == after.there


@since_3_12
def test_type_parameters_of_what_is_around_are_said(tmp_path: Path) -> None:
    expected = dict(_marked(LEFT))
    found = {mark.line: mark.reason for mark in find(files(LEFT), tmp_path)}
    assert {line: bool(reason) for line, reason in found.items()} == {line: bool(r) for line, r in expected.items()}
    assert all(reason in found[line] for line, reason in expected.items())


def _marked(text: str) -> list[tuple[int, str]]:
    lines = [(number, line.partition("  # ")[2]) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, mark.partition(": ")[2].partition(": ")[2]) for number, mark in lines if mark]
