"""Where a value goes: to calls, attributes, module-level names, returns and defaults of parameters."""

from __future__ import annotations

from fixpickle.survey.facts.fact import Fact


class ToCall(Fact, tag=True, frozen=True):
    """Handed to a call. `callee` is its symbolic name, as in `multiprocessing.Pool().map`.

    `position` counts from 0 and is -1 for a keyword. `onward` is where the result of that call goes, and
    where that is another library's object that may keep the argument, on from there. `literals` are
    the constant keyword arguments of the call, and of the call that made its receiver: `n_jobs=1` says that nothing
    is pickled. A decorator without arguments `decorates`. An argument behind `*` or `**` is `unpacked`. It is `own`
    where the call is of a method of the `self` around it, or of what that keeps, as in `self.table.add(f)`.
    """

    callee: str
    position: int
    keyword: str
    line: int
    literals: tuple[tuple[str, str], ...] = ()
    onward: tuple[Sink, ...] = ()
    decorates: bool = False
    unpacked: bool = False
    own: bool = False


class ToAttribute(Fact, tag=True, frozen=True):
    """Stored on the instance, as `self.attribute`, of a class of this module.

    `attribute` is empty where the constructor of a base takes it, which is another package's, and `?` where its name is
    known only when the program runs.
    """

    cls: str
    attribute: str
    line: int


class ToGlobal(Fact, tag=True, frozen=True):
    """Bound to a module-level name; `direct` where the name is the value itself, not a container of it.

    `at_import` where the name is read, and read only by what runs while the module is imported.
    """

    name: str
    line: int
    direct: bool
    at_import: bool = False


class ToReturn(Fact, tag=True, frozen=True):
    """Returned or yielded by a function of this module; `beside` others, where it gives several at once in a tuple."""

    function: str
    line: int
    beside: bool = False


class ToParameter(Fact, tag=True, frozen=True):
    """The default of a parameter of a function of this module."""

    function: str
    parameter: str
    line: int


Sink = ToCall | ToAttribute | ToGlobal | ToReturn | ToParameter
