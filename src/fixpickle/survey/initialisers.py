"""The words for exception classes: what a constructor takes, and what of it becomes `args`.

CPython's rules, tried on 3.8 to 3.13: `BaseException.__new__` keeps the positional arguments of the constructor as
`args`, `BaseException.__init__` puts those it is handed in their place, and `__reduce__` gives `(cls, args, __dict__)`.
So loading calls `cls(*args)`, and then sets the attributes.
"""

from __future__ import annotations

from enum import Enum

from fixpickle.model import Span
from fixpickle.survey.facts.fact import Fact


class Form(str, Enum):
    """How a value comes from parameters: it is one, it is one or else something fixed, it is made from some, or
    nobody knows."""

    SAME = "same"
    EITHER = "either"
    MADE = "made"
    OPEN = "open"


class Value(Fact, frozen=True):
    """What an expression of a constructor is, as far as its parameters go.

    `names` are the parameters it depends on. Those in `whole` stand in it unshortened, with more text around: made
    from itself again, it is longer. It is `text` where it is sure to be a string, and `full` where not an empty one.
    Where it is one of several values, `options` are these.
    """

    form: Form
    names: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    text: bool = False
    full: bool = False
    options: tuple[Value, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether no parameter has a say in it."""
        return self.form is Form.MADE and not self.names

    @property
    def carried(self) -> frozenset[str]:
        """The parameters that stand in it unshortened, with or without more text."""
        return self.whole | (self.names if self.form in (Form.SAME, Form.EITHER) else frozenset())


FIXED = Value(Form.MADE)
OPEN = Value(Form.OPEN)


class Place(str, Enum):
    """How a parameter is passed."""

    POSITIONAL = "positional"
    REST = "rest"
    KEYWORD = "keyword"
    KEYWORDS = "keywords"


class Parameter(Fact, frozen=True):
    """One parameter of a constructor, without its receiver."""

    name: str
    place: Place
    required: bool
    annotation: str


SUPER, ARGS = "super", "args"


class Handed(Fact, frozen=True):
    """What a constructor hands to its base, or stores as `self.args`.

    `target` is `SUPER`, `ARGS` or the symbolic name of a class. `rest` names the `*args` parameter that follows the
    values. It is `complete` where nothing else is handed that cannot be told.
    """

    target: str
    values: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...] = ()
    rest: str = ""
    complete: bool = True


class Demand(Fact, frozen=True):
    """An attribute, or a string key, that a constructor is sure to read of a parameter as it was given."""

    parameter: str
    attribute: str


class Initialiser(Fact, frozen=True):
    """The constructor of a class: its own `__init__`, or the one that its fields give a dataclass.

    `handed` are the alternatives of what becomes of `args`, None where they stay. `keys` are the keyword arguments
    that it needs of its `**kwargs`. `span` covers what the next method stands behind. It is not `readable` where a
    decorator or a second definition decides.
    """

    parameters: tuple[Parameter, ...]
    handed: tuple[Handed | None, ...]
    demands: tuple[Demand, ...]
    keys: tuple[str, ...]
    span: Span
    readable: bool


RECALLING, RESTORING = "type(self)", "__new__"


class Reduction(Fact, frozen=True):
    """What the `__reduce__` of a class gives: `count` arguments, and what is called with them on load.

    `callee` is `RECALLING` for the class of the instance, `RESTORING` for its `__new__`, or a class by its symbolic
    name; an empty string where nobody knows.
    """

    callee: str
    count: int


class ExceptionFacts(Fact, frozen=True):
    """A class that may be an exception, and has something of its own that pickling meets.

    `obstacles` are reasons against restoring it without its `__init__`, in words that follow its name. `frozen` says
    that attributes cannot be set. `annotated` says that its methods are.
    """

    name: str
    span: Span
    initialiser: Initialiser | None
    reduction: Reduction | None
    obstacles: tuple[str, ...]
    annotated: bool


class Raised(Fact, frozen=True):
    """A `raise` of a class by its symbolic name, and how many arguments it is given, by position and by name.

    `count` is -1 where that cannot be told, as with `*arguments`, or where it is raised without a call.
    """

    symbol: str
    count: int
    keywords: tuple[str, ...]
    line: int
