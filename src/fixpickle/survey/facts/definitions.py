"""Functions, lambdas, local classes and types, and what module-level names are bound to."""

from __future__ import annotations

from enum import Enum

from fixpickle.model import Span
from fixpickle.survey.demands import Demand
from fixpickle.survey.facts.fact import Fact
from fixpickle.survey.facts.sinks import Sink


class Kind(str, Enum):
    LAMBDA = "lambda"
    FUNCTION = "function"
    CLASS = "class"


class Capture(Fact, frozen=True):
    """A variable of an enclosing function that a definition reads.

    `reason` is empty where the value is certain to be bound, once and for all, when the definition is made.
    `statement` is the import that binds it, where an import does: a module cannot be handed over, but imported again.
    `sibling` is the stretch of the local function that alone binds it, a statement of its function's own body.
    """

    name: str
    owner: str
    reason: str = ""
    statement: str = ""
    sibling: Span | None = None


class Keeper(Fact, frozen=True):
    """What alone decorates a local function, a name: called with the function, it gives what the name is bound to.

    `code` is how it is written, `symbol` what it is, `bare` the stretch of the function without it, and `comment` what
    stands behind it on its line.
    """

    code: str
    symbol: str
    bare: Span
    comment: str


class Definition(Fact, frozen=True):
    """A lambda, or a function or class defined inside a function, and a module-level lambda.

    `qualname` is what Python calls it, `line` is its code object's first line, `hint` the words around it from which
    a name can be made. `obstacles` are reasons against moving it; `uses` are the other places that name it. It is
    `variadic` where it takes `*args`, a `receiver` where its first parameter is `self` or `cls`, and `wraps` where it
    returns a function of its own or is a coroutine function: decorators and callbacks of an event loop never travel.
    It is `replaceable` where another name can stand for its own at every use: it is a statement of its function's own
    body, is not deleted, and nothing there names it before; `settled` where only the last may not hold. `recursive` are
    the places inside it that call it and where every captured name means what it means outside. `changes` are the
    captured containers that it changes in place, `fields` what it reads of a captured `self`, where it reads no more.
    `compared` is the first line that compares something with a string in which its name stands, and 0 where none does.
    `demands` are reasons against rewrites that stand for less than a function. Where there are some, `reads` are the
    places inside it that read what it captures, or itself, and `private` is a name in it that means another one in a
    class. It `resumes` where it is a generator or coroutine function. A `keeper` takes it where a decorator stands
    above it: other places name what that gives, and `uses` are none of the function. `mangled` are the places inside
    it where an attribute has a private name of the class around it, and what that means there. `early` are parameters
    whose defaults are evaluated wherever it is made, and the stretches of these.
    """

    kind: Kind
    span: Span
    name: str
    qualname: str
    line: int
    owner: str
    cls: str
    hint: str
    statement: Span
    captures: tuple[Capture, ...]
    obstacles: tuple[str, ...]
    sinks: tuple[Sink, ...]
    uses: tuple[Span, ...] = ()
    variadic: bool = False
    receiver: bool = False
    wraps: bool = False
    decorated: tuple[str, ...] = ()
    replaceable: bool = False
    settled: bool = False
    recursive: tuple[Span, ...] = ()
    changes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    compared: int = 0
    demands: tuple[Demand, ...] = ()
    reads: tuple[tuple[str, Span], ...] = ()
    resumes: bool = False
    private: str = ""
    keeper: Keeper | None = None
    mangled: tuple[tuple[Span, str], ...] = ()
    early: tuple[tuple[str, Span], ...] = ()


class Mention(Fact, frozen=True):
    """Where a module-level definition is handed on by name, or an instance of it is; and where its results go."""

    name: str
    sinks: tuple[Sink, ...]
    results: tuple[Sink, ...]
    line: int


class MadeType(Fact, frozen=True):
    """A type that a call inside a function makes and binds: `Point = namedtuple("Point", "x y")`.

    `statement` is the module-level statement it stands in, `sinks` are where its instances go, and `reason` says why
    it cannot be made at module level, where it can not.
    """

    name: str
    owner: str
    span: Span
    statement: Span
    sinks: tuple[Sink, ...]
    reason: str


class Sentinel(Fact, frozen=True):
    """`NAME = object()` at module level; `sinks` are where it goes, `compared` says that its file tells it by identity.

    `span` covers the statement, `value` the `object()`.
    """

    name: str
    span: Span
    value: Span
    sinks: tuple[Sink, ...]
    compared: bool


class BoundCall(Fact, frozen=True):
    """The result of a call bound to one module-level name: `Point = namedtuple("P", "x y")`.

    `given` is its first argument where that is a string, `taken` the symbolic name of that argument where it is a name;
    `arguments` says how many there are, `keywords` lists the named ones. Of a type, `instances` are where those go that
    the file makes; it is None where something else is done with the type than to call it.
    """

    name: str
    callee: str
    given: str
    taken: str
    arguments: int
    keywords: tuple[str, ...]
    span: Span
    instances: tuple[Sink, ...] | None = None


class Factory(Fact, frozen=True):
    """A module-level function that returns a function of its own, always the same one.

    `inner` is the returned one's qualified name, `span` its stretch; `wraps` says that it copies another's names.
    `taken` is the factory's only parameter, where it has one and no more.
    """

    name: str
    inner: str
    span: Span
    wraps: bool
    taken: str


class AskedKept(Fact, frozen=True):
    """A line that reads `x.attribute.__name__`; `cls` is the class of which x is `self`, `more` as in `Asked`."""

    attribute: str
    cls: str
    line: int
    more: bool


class Asked(Fact, frozen=True):
    """What a file asks of variables that may hold functions: the first line that reads a `__name__`, 0 where none does.

    `more` is the first line that asks for more than a function's name, docstring and module, and 0 where none does.
    `kept` is what is asked of functions that an attribute may hold, `signature` the first line that asks for that.
    """

    name: int = 0
    more: int = 0
    kept: tuple[AskedKept, ...] = ()
    signature: int = 0
