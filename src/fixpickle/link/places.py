"""Where something is, in words for the reader of a file."""

from __future__ import annotations

from functools import cache

from fixpickle.model import below
from fixpickle.survey.facts import Facts, ToAttribute


def place(home: Facts, owner: Facts, line: int) -> str:
    """`at line 40`, or `in save.py:40` where that is another file than the one a reader looks at."""
    if owner.path == home.path:
        return f"at {owner.at(line)}"
    if owner.cells:
        return f"in {owner.path.name}, {owner.at(line)}"
    return f"in {_shown(owner.path, owner.root)}:{line}"


_shown = cache(below)  # it is asked for each step of each chain


def stored(home: Facts, owner: Facts, sink: ToAttribute) -> str:
    """The step that stores a value on an object."""
    if not sink.attribute:
        return f"kept by a base of {sink.cls} {place(home, owner, sink.line)}"
    if sink.attribute == "?":
        return f"stored on an attribute of {sink.cls} {place(home, owner, sink.line)}"
    return f"stored on self.{sink.attribute} of {sink.cls} {place(home, owner, sink.line)}"
