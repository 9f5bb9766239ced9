"""What one pass over a file finds out about it: small values, no tree nodes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fixpickle.model import Span

# --- where a value goes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToCall:
    """Handed to a call. `callee` is its symbolic name, as in `multiprocessing.Pool().map`.

    `position` counts from 0 and is -1 for a keyword. `onward` is where the result of that call goes. `literals` are
    the constant keyword arguments of the call, and of the call that made its receiver: `n_jobs=1` says that nothing
    is pickled. A decorator without arguments `decorates`.
    """

    callee: str
    position: int
    keyword: str
    line: int
    literals: tuple[tuple[str, str], ...] = ()
    onward: tuple[Sink, ...] = ()
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class ToAttribute:
    """Stored on the instance, as `self.attribute`, of a class of this module."""

    cls: str
    attribute: str
    line: int


@dataclass(frozen=True, slots=True)
class ToGlobal:
    """Bound to a module-level name; `direct` where the name is the value itself, not a container of it."""

    name: str
    line: int
    direct: bool


@dataclass(frozen=True, slots=True)
class ToReturn:
    """Returned or yielded by a function of this module."""

    function: str
    line: int


@dataclass(frozen=True, slots=True)
class ToParameter:
    """The default of a parameter of a function of this module."""

    function: str
    parameter: str
    line: int


Sink = ToCall | ToAttribute | ToGlobal | ToReturn | ToParameter


# --- what there is --------------------------------------------------------------------------------------------------


class Kind(str, Enum):
    LAMBDA = "lambda"
    FUNCTION = "function"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class Capture:
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


@dataclass(frozen=True, slots=True)
class Definition:
    """A lambda, or a function or class defined inside a function, and a module-level lambda.

    `qualname` is what Python calls it, `line` is its code object's first line, `hint` the words around it from which
    a name can be made. `obstacles` are reasons against moving it; `uses` are the other places that name it. It is
    `variadic` where it takes `*args`, a `receiver` where its first parameter is `self` or `cls`, and `wraps` where it
    returns a function of its own or is a coroutine function: decorators and callbacks of an event loop never travel.
    It is `replaceable` where another name can stand for its own at every use: it is a statement of its function's own
    body, is not deleted, and nothing there names it before; `settled` where only the last may not hold. `recursive` are
    the places inside it that call it and where every captured name means what it means outside. `changes` are the
    captured containers that it changes in place, `fields` what it reads of a captured `self`, where it reads no more.
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


class Home(str, Enum):
    """Where the value of a constructor call lives."""

    INSTANCE = "instance"
    GLOBAL = "global"
    CLOSURE = "closure"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Construction:
    """A call, or a mention as a factory, of something a process owns: `threading.Lock()`, `default_factory=RLock`.

    `target` is its qualified name, `span` covers the callee alone, `code` the whole expression that makes the value.
    `guards` names what outside the process a `with` on it protects, and is empty where nothing of the kind is seen.
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


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A module-level class, or one nested in such: its bases by symbolic name and what it keeps on its instances.

    `mangled` is its stretch where it is nested under a private name and does not say its qualified name itself.
    `feigned` is the one of `__module__` and `__qualname__` that its body sets, what to, and where.
    """

    name: str
    line: int
    bases: tuple[str, ...]
    hooks: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    coroutines: bool
    mangled: Span | None = None
    feigned: tuple[str, str, Span] | None = None


@dataclass(frozen=True, slots=True)
class ParameterFlow:
    """Where a parameter of a function goes: a class is called by its own name, for `__init__`."""

    function: str
    parameter: str
    position: int
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a module-level definition is handed on by name, or an instance of it is; and where its results go."""

    name: str
    sinks: tuple[Sink, ...]
    results: tuple[Sink, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ImportFact:
    """A name that an import binds. `top` is false inside functions; `whole` for `import x` and `import x as y`.

    `target` is what the name stands for, `module` the module that is loaded: `import a.b` binds a, and loads a.b.
    """

    local: str
    target: str
    module: str
    span: Span
    top: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names something by its symbolic name: `joblib.delayed`. `argument` is its first, where constant."""

    symbol: str
    span: Span
    called: bool
    argument: str


@dataclass(frozen=True, slots=True)
class MadeType:
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


@dataclass(frozen=True, slots=True)
class Sentinel:
    """`NAME = object()` at module level, which something compares by identity; `sinks` are where it goes.

    `span` covers the statement, `value` the `object()`.
    """

    name: str
    span: Span
    value: Span
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, slots=True)
class BoundCall:
    """The result of a call bound to one module-level name: `Point = namedtuple("P", "x y")`.

    `given` is its first argument where that is a string, `taken` the symbolic name of that argument where it is a name;
    `arguments` says how many there are, `keywords` lists the named ones.
    """

    name: str
    callee: str
    given: str
    taken: str
    arguments: int
    keywords: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Factory:
    """A module-level function that returns a function of its own, always the same one.

    `inner` is the returned one's qualified name, `span` its stretch; `wraps` says that it copies another's names.
    `taken` is the factory's only parameter, where it has one and no more.
    """

    name: str
    inner: str
    span: Span
    wraps: bool
    taken: str


@dataclass(frozen=True, slots=True)
class TopStatement:
    """One statement at module level: what it is, binds and reads.

    `calls` are the symbolic names it calls when it runs, bodies of functions left out; `global_writes` the names that
    functions in it declare `global`; `renames` the names whose `__name__` or `__qualname__` it sets.
    """

    span: Span
    kind: str
    binds: tuple[str, ...]
    reads: tuple[str, ...]
    calls: tuple[str, ...]
    global_writes: tuple[str, ...]
    renames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the link and find steps know about one file.

    `names_read` is the first line that reads the `__name__` of a function it was given, and 0 where none does.
    """

    path: Path
    module: str
    root: Path
    package: bool
    digest: str
    imports: tuple[ImportFact, ...]
    definitions: tuple[Definition, ...]
    constructions: tuple[Construction, ...]
    classes: tuple[ClassFacts, ...]
    parameters: tuple[ParameterFlow, ...]
    mentions: tuple[Mention, ...]
    references: tuple[Reference, ...]
    bound_calls: tuple[BoundCall, ...]
    made_types: tuple[MadeType, ...]
    sentinels: tuple[Sentinel, ...]
    factories: tuple[Factory, ...]
    decorators: frozenset[str]
    statements: tuple[TopStatement, ...]
    guard: Span | None
    exports: frozenset[str] | None
    ignored: tuple[tuple[int, str], ...]
    names_read: int = 0

    @property
    def is_script(self) -> bool:
        """Whether running the file does work of its own, so that the proof must not import it whole."""
        return "." not in self.module and not self.package and any(s.kind in ("guard", "work") for s in self.statements)
