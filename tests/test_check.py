"""What a change may not do, whichever rule made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixpickle.check import check, unbound
from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, Source, Span
from fixpickle.source import decode

PATH = Path("/nowhere/m.py")


def source(text: str) -> Source:
    read = decode(text.encode(), PATH, True)
    assert isinstance(read, Source)
    return read


@pytest.mark.parametrize(
    "after",
    [
        "def f():\n    return gone()\n",
        "def f(a=gone):\n    return a\n",
        "def f():\n    return [gone for x in (1, 2)]\n",
        "class A:\n    size = gone\n\n\ndef f():\n    return A\n",
        "def f():\n    return lambda: gone\n",
    ],
)
def test_a_name_that_nothing_binds_any_more_is_told(after: str) -> None:
    before = source("def f():\n    def gone():\n        return 1\n    return gone()\n")
    edited = check({PATH: before}, {PATH: after}, ())
    assert edited == "line 1 of m.py would be changed by an edit that is not about it"
    assert unbound(after) - unbound(before.text) == {"gone"}


THREE = "a = 1\nb = 2\nc = 3\n"


@pytest.mark.parametrize(
    ("start", "end", "after", "changed"),
    [
        (10, 11, "a = 1\nb = 9\nc = 3\n", 0),
        (10, 11, "a = 1\nb = 9\nc = 4\n", 3),
        (10, 11, "b = 9\nc = 3\n", 1),
        (6, 6, "a = 1\nx = 0\nb = 2\nc = 3\n", 0),
        (6, 6, "a = 1\nx = 0\nb = 9\nc = 3\n", 2),
        (6, 6, "a = 9\nx = 0\nb = 2\nc = 3\n", 1),
        (6, 6, "a = 1\nx = 0\nc = 3\nb = 2\n", 3),
        (6, 12, "a = 1\nc = 3\n", 0),
        (6, 12, "a = 1\n", 3),
    ],
)
def test_a_statement_changes_only_where_an_edit_is_about_it(start: int, end: int, after: str, changed: int) -> None:
    """An edit that inserts between two statements is about neither of them."""
    finding = Finding("some-rule", PATH, Span(0, 1, 1, 1), "message", Reach(Evidence.STATE, ("chain",)))
    told = check({PATH: source(THREE)}, {PATH: after}, [Patch(finding, (Edit(PATH, start, end, "some"),))])
    assert told == (f"line {changed} of m.py would be changed by an edit that is not about it" if changed else "")


def test_a_new_file_may_read_no_more_than_the_files_that_it_comes_from() -> None:
    before = source("from much import *\n\n\ndef f():\n    return some\n")
    new = PATH.with_name("new.py")
    assert check({PATH: before}, {PATH: before.text, new: "def f():\n    return some\n"}, ()) == ""
    told = check({PATH: before}, {PATH: before.text, new: "def f():\n    return other\n"}, ())
    assert told == "nothing would bind `other` in new.py"


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    global made\n    made = 1\n\n\ndef g():\n    return made\n",
        "import a.b as c, d.e\nx = c, d, __name__, __file__, print\n",
        "try:\n    pass\nexcept OSError as error:\n    print(error)\n",
        "for i in range(3):\n    print(i)\ndel i\n",
        "match 1:\n    case {'a': n, **rest} | [n, *rest]:\n        print(n, rest)\n",
        "if (n := 3):\n    print(n)\n",
        "class A:\n    def f(self):\n        return __class__\n",
        "from __future__ import annotations\n\n\ndef f(a: Later) -> Never: ...\n",
        "def f(a):\n    def g():\n        nonlocal a\n        a = 1\n    return g\n",
        "with open('f') as (a, b):\n    print(a, b)\n",
    ],
)
def test_what_is_bound_anywhere_is_bound(text: str) -> None:
    assert unbound(text) == frozenset()


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("a = 'x'\n", 'a = "x"\n', 0),
        ("a = 1; b = 2\n", "a = 1; b = 2", 0),
        ("a = 1; b = 2\n", "b = 2; a = 1\n", 1),
        ("a = 1; b = 2\n", "a = 1; a = 1\n", 1),
        ("a = 1\nb = 2\n", "a = 1; b = 2\n", 0),
        ('a = """\n"""; b = 2\n', 'a = """\n\n"""; b = 2\n', 1),
        ('a = """\n"""; b = 2\n', 'b = """\n"""; b = 2\n', 1),
        ("@x\ndef f(): 0\n", "@y\ndef f(): 0\n", 2),
        ("@x\ndef f(): 0\n", "@ x\ndef f(): 0\n", 0),
    ],
)
def test_statements_are_the_same_that_are_the_same_code(before: str, after: str, line: int) -> None:
    told = check({PATH: source(before)}, {PATH: after}, ())
    assert told == (f"line {line} of m.py would be changed by an edit that is not about it" if line else "")
