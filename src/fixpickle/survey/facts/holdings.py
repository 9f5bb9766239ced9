"""What plain pickle does not take: where a file makes it, and what keeps it."""

from __future__ import annotations

from enum import Enum

from fixpickle.model import Span
from fixpickle.survey.facts.fact import Fact
from fixpickle.survey.facts.sinks import Sink


class Home(str, Enum):
    """Where the value of a constructor call lives; BASE where the constructor is what a class inherits from."""

    INSTANCE = "instance"
    GLOBAL = "global"
    CLOSURE = "closure"
    BASE = "base"
    OTHER = "other"


class Construction(Fact, frozen=True):
    """A call, or a mention as a factory, of something a process owns: `threading.Lock()`, `default_factory=RLock`.

    `target` is its qualified name, `span` covers the callee alone, `code` the whole expression that makes the value.
    `guards` names what outside the process a `with` on it protects, and is empty where nothing of the kind is seen.
    `sinks` are where else the value goes: the calls it is handed to and the functions that return it. It is `cached`
    where a function returns it that is decorated, and so may give the same one again.
    """

    target: str
    span: Span
    home: Home
    cls: str
    attribute: str
    owner: str
    code: str
    called: bool
    line: int
    guards: str
    sinks: tuple[Sink, ...] = ()
    cached: bool = False


class Family(str, Enum):
    """Of what kind something is that plain pickle does not take, as far as it decides what can be done about it."""

    FILE = "open file"
    HANDLE = "connection or open resource"
    CONVERSATION = "network connection"
    EXECUTOR = "executor"
    POOL = "pool of workers"
    CACHE = "weak container"
    MEMO = "cached method"
    CONTEXT = "TLS context"
    MODULE = "module"
    STREAM = "standard stream"
    REFERENCE = "weak reference"
    RUNNING = "running thing"
    OWNED = "resource that goes with its owner"
    FRAMES = "summary of frames"
    NATIVE = "object of the interpreter"
    VIEW = "dictionary view"
    PROXY = "mapping proxy"
    GENERATOR = "one-shot iterator"
    ITERTOOLS = "itertools object"


class Holding(Fact, frozen=True):
    """Something on `self.attribute` that plain pickle does not take; `span` covers the assigned expression.

    `again` is the expression with what the instance keeps in the place of parameters, evaluated once more to make the
    value anew: empty for the reason `obstacle`; `reads` are the attributes in it. It is `lazy` where it is None first
    and made where a test finds it so; `loose` is then a place that uses or sets it without that. It is `single` where
    no other expression is assigned, `nullable` where None is. `mode` is that of a file, "?" where only running tells,
    or "memory" for a database that may be in memory. `receiver` says who else has what is viewed: "fresh" for nobody.
    `uses` are what methods do with it, see `survey.holding_uses`. `copied` says that the class makes shallow copies
    of instances, `shipped` where they go. It is `chosen` where the attribute may hold something else, if a caller says
    so: of a module or standard stream that is a default. It is `sure` but for what is imported from a package, which
    is a module of the project or none.
    """

    family: Family
    target: str
    cls: str
    attribute: str
    span: Span
    code: str
    again: str
    obstacle: str
    reads: tuple[str, ...]
    mode: str
    receiver: str
    lazy: bool
    loose: str
    single: bool
    nullable: bool
    uses: tuple[str, ...]
    copied: bool
    shipped: tuple[Sink, ...]
    chosen: bool = False
    sure: bool = True


class Resource(Fact, frozen=True):
    """A connection, open file or executor bound to `name`, in the module or in the function `owner`.

    `span` covers the call of `target` that makes it, `statement` the assignment. `readers` are the functions and
    classes of that scope that read it; `obstacle` says why its only one cannot make it, and is empty where it can.
    """

    name: str
    owner: str
    target: str
    family: Family
    span: Span
    statement: Span
    readers: tuple[str, ...]
    obstacle: str


class Handover(Fact, frozen=True):
    """A dictionary view or one-shot iterator where it is an argument, or where a function gives it back.

    `target` is what makes it, `code` the expression at `span`: it, or the variable that has it. It is `whole` where it
    is an argument by itself and no item of one, and crosses `at_once` where nothing runs between its own evaluation and
    the call that pickles it. `uses` are what the function that a task is made of does with it, see
    `survey.holding_uses`; None where nobody knows.
    """

    family: Family
    target: str
    span: Span
    code: str
    whole: bool
    at_once: bool
    uses: tuple[str, ...] | None
    sinks: tuple[Sink, ...]
