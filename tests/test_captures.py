"""What a look at a scope says it captures is what the compiler's own symbol tables say."""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

from fixpickle.model import Source
from fixpickle.source import read
from fixpickle.survey.captures import Captures
from fixpickle.survey.tables import free_names
from fixpickle.survey.tree import CALLABLES, Callable_, Tree

FIXTURES = sorted((Path(__file__).parent / "fixtures").rglob("*.py"))
LIBRARY = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*.py"))

TRICKY = """
def inner_parameter(y, z):
    return lambda x: (lambda y: y + z)(x)

def inner_variable(i, k):
    return lambda: [i + k for i in range(k)]

def first_iterable(i):
    return lambda: [i for i in i]

def walrus(a):
    def inner(rows):
        [a := r for r in rows]
        return a
    return inner

def imported(os):
    def inner():
        import os.path
        return os
    return inner

def handler(e):
    def inner():
        try:
            pass
        except OSError as e:
            return e
    return inner

def pattern(a, b, c):
    def inner(v):
        match v:
            case {"x": [*b], **a}:
                return a, b, c
    return inner

def default(a):
    def inner(b=a):
        return b
    return inner

def decorator(a):
    @a
    def inner():
        return 1
    return inner

def deep(a):
    def g():
        def h():
            return lambda: a
        return h
    return g

def between(a):
    def g(a):
        def h():
            return a
        return h
    return g

def loops(rows, k):
    def inner():
        for k in rows:
            yield lambda: k
    return inner
"""


def _told(source: Source) -> int:
    """How many definitions of a source a look is enough for. Each says what the tables say."""
    tree = Tree(source)
    captures = Captures(tree)
    count = 0
    found: list[Callable_] = tree.of(*CALLABLES)
    for node in found:
        if captures._plain(node) and all(map(captures._plain, captures._around(node))):
            table = captures.tables.of(node)
            assert table is not None, f"{source.path}:{node.lineno}"
            assert captures._free(node) == free_names(table) - {"__class__"}, f"{source.path}:{node.lineno}"
            count += 1
    return count


def test_scopes_in_scopes() -> None:
    # All but the two lambdas on one line, which only the tables tell apart.
    assert _told(Source(Path("m.py"), TRICKY, "utf-8", "\n", False, "", "m", Path())) == 27


def test_lambdas_on_one_line_are_told_apart_by_what_they_read() -> None:
    text = "def both(k):\n    return [lambda x: x + k, lambda x: x]\n"
    tree = Tree(Source(Path("m.py"), text, "utf-8", "\n", False, "", "m", Path()))
    captures = Captures(tree)
    found = [captures.of(node) for node in tree.of(ast.Lambda)]
    assert [None if each is None else [one.name for one in each] for each in found] == [["k"], []]


def test_every_fixture_and_a_sample_of_the_library() -> None:
    sample = random.Random(7).sample(LIBRARY, 30)
    told = 0
    for path in (*FIXTURES, *sample):
        source = read(path, True)
        if isinstance(source, Source) and not source.notebook:
            try:
                ast.parse(source.text)
            except SyntaxError:
                continue
            told += _told(source)
    assert told > 1000
