"""Where parameters, attributes, objects and results go, and what stands for pools."""

from __future__ import annotations

from fixpickle.survey.facts.fact import Fact
from fixpickle.survey.facts.sinks import Sink


class ParameterFlow(Fact, frozen=True):
    """Where a parameter of a function goes: a class is called by its own name, for `__init__`.

    `position` counts without `self` and is -1 where only the keyword leads to it. `star` is `*` or `**` where it takes
    every argument from `position` on, or every keyword without a parameter of its own.
    """

    function: str
    parameter: str
    position: int
    sinks: tuple[Sink, ...]
    star: str = ""


class AttributeFlow(Fact, frozen=True):
    """Where the value of `self.attribute` goes in the methods of a class."""

    cls: str
    attribute: str
    sinks: tuple[Sink, ...]


class Instance(Fact, frozen=True):
    """Where an object goes that calling `symbol` gives, or with `member` its bound method of that name.

    It is `exact` where it is made there; `self`, and a parameter with an annotation, may be of a subclass.
    """

    symbol: str
    member: str
    exact: bool
    of_self: bool
    line: int
    sinks: tuple[Sink, ...]


class Alias(Fact, frozen=True):
    """What a module-level name stands for: `Pool` for `multiprocessing.Pool`, `pool` for `multiprocessing.Pool()`."""

    name: str
    symbol: str
    literals: tuple[tuple[str, str], ...] = ()


class Returned(Fact, frozen=True):
    """What a function returns, or yields as a context manager, by symbolic name."""

    function: str
    symbol: str
    literals: tuple[tuple[str, str], ...] = ()


class Wanted(Fact, frozen=True):
    """A parameter of a function, by whose calls or methods values may leave the process.

    `position` counts without `self` and is -1 where only the keyword leads to it.
    """

    function: str
    parameter: str
    position: int


class Offered(Fact, frozen=True):
    """A pool, a process class or the like that is handed to `callee`, by symbolic name; `literals` as in `ToCall`."""

    symbol: str
    callee: str
    position: int
    keyword: str
    literals: tuple[tuple[str, str], ...]
    line: int


class Pools(Fact, frozen=True):
    """Which parameters stand for pools and the like, and what is handed to functions of that kind."""

    wanted: tuple[Wanted, ...] = ()
    offered: tuple[Offered, ...] = ()


class ToldApart(Fact, frozen=True):
    """An imported name, by its symbolic name, that a file compares by identity, and where it goes there."""

    symbol: str
    sinks: tuple[Sink, ...]


class HandedOn(Fact, frozen=True):
    """An imported function or class, by its symbolic name, that a file which starts processes hands to calls."""

    symbol: str
    sinks: tuple[Sink, ...]


class ShortLived(Fact, frozen=True):
    """Classes by symbolic name: `dropped` are those whose instances a function makes, uses and drops, `kept` others.

    One that is handed on itself is among the latter: who has it may make instances.
    """

    dropped: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
