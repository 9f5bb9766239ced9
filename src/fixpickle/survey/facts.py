"""What one pass over a file finds out about it: small values, no tree nodes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fixpickle.model import Span
from fixpickle.notebook import Part
from fixpickle.survey.demands import Demand
from fixpickle.survey.initialisers import ExceptionFacts, Raised

# --- where a value goes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToCall:
    """Handed to a call. `callee` is its symbolic name, as in `multiprocessing.Pool().map`.

    `position` counts from 0 and is -1 for a keyword. `onward` is where the result of that call goes, and
    where that is another library's object that may keep the argument, on from there. `literals` are
    the constant keyword arguments of the call, and of the call that made its receiver: `n_jobs=1` says that nothing
    is pickled. A decorator without arguments `decorates`. An argument behind `*` or `**` is `unpacked`. It is `own`
    where the call is of a method of the `self` around it.
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


@dataclass(frozen=True, slots=True)
class ToAttribute:
    """Stored on the instance, as `self.attribute`, of a class of this module.

    `attribute` is empty where the constructor of a base takes it, which is another package's.
    """

    cls: str
    attribute: str
    line: int


@dataclass(frozen=True, slots=True)
class ToGlobal:
    """Bound to a module-level name; `direct` where the name is the value itself, not a container of it.

    `at_import` where the name is read, and read only by what runs while the module is imported.
    """

    name: str
    line: int
    direct: bool
    at_import: bool = False


@dataclass(frozen=True, slots=True)
class ToReturn:
    """Returned or yielded by a function of this module; `beside` others, where it gives several at once in a tuple."""

    function: str
    line: int
    beside: bool = False


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
    `compared` is the first line that compares something with a string in which its name stands, and 0 where none does.
    `demands` are reasons against rewrites that stand for less than a function. Where there are some, `reads` are the
    places inside it that read what it captures, or itself. It `resumes` where it is a generator or coroutine function.
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


class Home(str, Enum):
    """Where the value of a constructor call lives; BASE where the constructor is what a class inherits from."""

    INSTANCE = "instance"
    GLOBAL = "global"
    CLOSURE = "closure"
    BASE = "base"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Construction:
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


@dataclass(frozen=True, slots=True)
class StateHooks:
    """A class' own `__getstate__` (it `makes` the state) and `__setstate__` (it `takes` it).

    The first `copies` where it returns a copy of the instance's dictionary, or of its base's state, in which nothing
    but `dropped` is missing or another value. The second `restores` where it puts the whole state back; `set_again`
    are the attributes it sets.
    """

    makes: bool
    copies: bool
    dropped: tuple[str, ...]
    takes: bool
    restores: bool
    set_again: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How instances of a class keep their attributes, its bases included.

    `slots` are as stored, private names mangled; there is a `dictionary` too where one of the classes has no slots.
    `base_makes` and `base_takes` tell of an ancestor's `__getstate__` and `__setstate__`. Where it is `guarded`, an
    attribute is set through `object.__setattr__`.
    """

    slots: tuple[str, ...]
    dictionary: bool
    base_makes: bool
    base_takes: bool
    guarded: bool
    own: StateHooks | None


class Harm(str, Enum):
    """What is wrong with a hook of a class: what it does to instances that are pickled, or loaded."""

    SILENT = "builds a state and does not return it"
    DAMAGE = "takes from the live instance"
    FORGOTTEN = "leaves out what nothing makes anew"
    PASSED_OVER = "passes over the base's hook"
    SLOTS = "has a state that cannot be put into slots"
    ENDLESS = "asks itself for what an empty instance lacks"
    ANSWERING = "answers when pickle asks for a hook"
    ARGUMENTS = "is called on load with other arguments than it takes"
    ITEMS = "gets its items before its attributes"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw in a hook of a class, as its own body shows it: bases may make it good, or matter besides.

    `method` has it, `span` is the stretch it is reported at. `names` are the attributes it is about, as methods write
    them, and `code` is what a remedy needs of the source: the constructor's expression for a forgotten attribute; the
    symbol of a container and how its class writes it; what `__getattr__` gives; how `__getstate__` names the state, and
    ` set` where it sets attributes of the instance. `reason` says why there is no remedy; it is empty where one is.
    `properties` read these attributes, so Python asks `__getattr__` for them too where one is missing.
    """

    harm: Harm
    method: str
    span: Span
    names: tuple[str, ...]
    code: str
    reason: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A class: its bases by symbolic name, what it keeps on its instances and what its annotations say it keeps.

    `methods` are the functions in its body, `properties` those that are read like attributes, `instanceless` those that
    are bound to the class or to nothing. `slots` are the names in its `__slots__`, None where it has none. `shaped`
    names what makes slots or hooks that are not written there, such as `dataclass(slots=True)`. It is `guarded` where
    setting an attribute does more than that.
    `members` are the names its body binds. It is `apart` where its constructor does not call that of a base.

    `mangled` is its stretch where it is nested under a private name and does not say its qualified name itself.
    `feigned` is the one of `__module__` and `__qualname__` that its body sets, what to, and where.
    `parts` are attributes that hold a list or the like, and what makes its elements, by symbolic name. `refusing` is
    the hook that raises whatever it is called with, `keyed_by_id` the attributes whose keys are made by `id()`, and
    `set_later` those that making an object does not set.
    """

    name: str
    line: int
    bases: tuple[str, ...]
    hooks: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    coroutines: bool
    slots: tuple[str, ...] | None
    shaped: str
    guarded: bool
    state: StateHooks | None
    members: frozenset[str]
    flaws: tuple[Flaw, ...]
    apart: bool
    declared: tuple[tuple[str, str], ...] = ()
    methods: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()
    instanceless: frozenset[str] = frozenset()
    mangled: Span | None = None
    feigned: tuple[str, str, Span] | None = None
    parts: tuple[tuple[str, str], ...] = ()
    refusing: str = ""
    keyed_by_id: tuple[str, ...] = ()
    set_later: frozenset[str] = frozenset()


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
    NATIVE = "object of the interpreter"
    VIEW = "dictionary view"
    PROXY = "mapping proxy"
    GENERATOR = "one-shot iterator"
    COUNTER = "itertools object"


@dataclass(frozen=True, slots=True)
class Holding:
    """Something on `self.attribute` that plain pickle does not take; `span` covers the assigned expression.

    `again` is the expression with what the instance keeps in the place of parameters, evaluated once more to make the
    value anew: empty for the reason `obstacle`; `reads` are the attributes in it. It is `lazy` where it is None first
    and made where a test finds it so; `loose` is then a place that uses or sets it without that. It is `single` where
    no other expression is assigned, `nullable` where None is. `mode` is that of a file, "?" where only running tells,
    or "memory" for a database that may be in memory. `receiver` says who else has what is viewed: "fresh" for nobody.
    `uses` are what methods do with it, see `survey.holding_uses`. `copied` says that the class makes shallow copies
    of instances, `shipped` where they go.
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


@dataclass(frozen=True, slots=True)
class Resource:
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


@dataclass(frozen=True, slots=True)
class ParameterFlow:
    """Where a parameter of a function goes: a class is called by its own name, for `__init__`.

    `position` counts without `self` and is -1 where only the keyword leads to it. `star` is `*` or `**` where it takes
    every argument from `position` on, or every keyword without a parameter of its own.
    """

    function: str
    parameter: str
    position: int
    sinks: tuple[Sink, ...]
    star: str = ""


@dataclass(frozen=True, slots=True)
class AttributeFlow:
    """Where the value of `self.attribute` goes in the methods of a class."""

    cls: str
    attribute: str
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """Where an object goes that calling `symbol` gives, or with `member` its bound method of that name.

    It is `exact` where it is made there; `self`, and a parameter with an annotation, may be of a subclass.
    """

    symbol: str
    member: str
    exact: bool
    of_self: bool
    line: int
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """What a module-level name stands for: `Pool` for `multiprocessing.Pool`, `pool` for `multiprocessing.Pool()`."""

    name: str
    symbol: str
    literals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """What a function returns, or yields as a context manager, by symbolic name."""

    function: str
    symbol: str
    literals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parameter of a function, by whose calls or methods values may leave the process.

    `position` counts without `self` and is -1 where only the keyword leads to it.
    """

    function: str
    parameter: str
    position: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A pool, a process class or the like that is handed to `callee`, by symbolic name; `literals` as in `ToCall`."""

    symbol: str
    callee: str
    position: int
    keyword: str
    literals: tuple[tuple[str, str], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Pools:
    """Which parameters stand for pools and the like, and what is handed to functions of that kind."""

    wanted: tuple[Wanted, ...] = ()
    offered: tuple[Offered, ...] = ()


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
    """A place that names something by its symbolic name: `joblib.delayed`. `argument` is its first, where constant.

    Of names that a library moved, `argument` is the function that the place is in, or the value of an argument that
    went; `keywords` are those of the call, `**` for unpacked ones and "" for arguments without a name.
    """

    symbol: str
    span: Span
    called: bool
    argument: str
    keywords: tuple[str, ...] = ()


class Form(str, Enum):
    """What a choice of the pickler is written as; ONLY is a statement alone in its block.

    AGAIN is a definition that repeats one above it word for word, with a wrapper on top.
    """

    EXPRESSION = "expression"
    STATEMENT = "statement"
    ONLY = "only statement"
    DECORATOR = "decorator"
    AGAIN = "definition again"


@dataclass(frozen=True, slots=True)
class PicklerChoice:
    """A place that has loky pickle with `pickler`: everything, or the object that `covers` names.

    `symbol` is the wrapper, the switch or `os.environ`, as it is imported. `pickler` is empty for the default, and "?"
    where only running tells. `span` is what would go, and `code` what would stay in its place. `reason` says why it
    has to stay, as far as its own file shows.
    """

    symbol: str
    span: Span
    pickler: str
    covers: str
    form: Form
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class StateSet:
    """Configuration of a process or a thread that the file sets: by which call or attribute, and at which line.

    `library` is empty where no state is ready-made for it.
    """

    library: str
    symbol: str
    line: int


@dataclass(frozen=True, slots=True)
class HandedOn:
    """An imported function or class, by its symbolic name, that a file which starts processes hands to calls."""

    symbol: str
    sinks: tuple[Sink, ...]


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
    """One statement at module level: what it is, binds and reads, a `__file__` left out that only tells the folder.

    `calls` are the symbolic names it calls when it runs, bodies of functions and decorators left out; `global_writes`
    the names that functions in it declare `global`; `renames` those whose `__name__` or `__qualname__` it sets.

    Of a file that does work of its own: `early` are the names it reads when it runs itself, bodies of functions left
    out, `changes` the names whose values it may change in place, there too; `decorators` are the names in these, those
    of methods too, `constructs` what a class calls when an instance is made. `inner` are the statements below a main
    guard that has no `else` and no other condition.
    """

    span: Span
    kind: str
    binds: tuple[str, ...]
    reads: tuple[str, ...]
    calls: tuple[str, ...]
    global_writes: tuple[str, ...]
    renames: tuple[str, ...]
    early: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    constructs: tuple[str, ...] = ()
    inner: tuple[TopStatement, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """A call that starts processes, which import the script again where they are not forked.

    `symbol` is what is called, `method` the start method where it is given there, as Python writes it, else empty.
    """

    symbol: str
    method: str
    line: int


@dataclass(frozen=True, slots=True)
class LateUse:
    """A function that reads an import of its module: `at` is the start of the line where it could do it itself.

    `function` is empty for the part under the main guard. `indent` is that line's. `reason` says why it could not,
    after the function's name; it is empty where it could.
    """

    function: str
    at: int
    indent: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateImport:
    """An import at module level that only functions, or the main guard, read: `name` is bound, `module` loaded.

    `module` is as it is written, with dots in front where it is relative.
    """

    name: str
    module: str
    span: Span
    uses: tuple[LateUse, ...]


@dataclass(frozen=True, slots=True)
class Suppression:
    """A rule that a comment suppresses on a line of code; `span` is the comment, up to the end of its reason."""

    line: int
    rule: str
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file asks of variables that may hold functions: the first line that reads a `__name__`, 0 where none does.

    `more` is the first line that asks for more than a function's name, docstring and module, and 0 where none does.
    """

    name: int = 0
    more: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the link and find steps know about one file.

    `guarded` are the classes and attributes that are held as locks while the call named third changes files.
    `strategies` are lines and what a comment chooses there.
    `cells` are those of a notebook. `reached` are symbols that it reads as attributes of a module of its own package,
    `taken` those that it does more with than to call them.
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
    holdings: tuple[Holding, ...]
    decorators: frozenset[str]
    statements: tuple[TopStatement, ...]
    guard: Span | None
    exports: frozenset[str] | None
    exceptions: tuple[ExceptionFacts, ...]
    raised: tuple[Raised, ...]
    suppressions: tuple[Suppression, ...]
    strategies: tuple[tuple[int, str], ...]
    attribute_flows: tuple[AttributeFlow, ...] = ()
    instances: tuple[Instance, ...] = ()
    aliases: tuple[Alias, ...] = ()
    returned: tuple[Returned, ...] = ()
    guarded: tuple[tuple[str, str, str], ...] = ()
    asked: Asked = Asked()
    starts: tuple[Start, ...] = ()
    pickler_choices: tuple[PicklerChoice, ...] = ()
    handed_on: tuple[HandedOn, ...] = ()
    cells: tuple[Part, ...] = ()
    late_imports: tuple[LateImport, ...] = ()
    states: tuple[StateSet, ...] = ()
    resources: tuple[Resource, ...] = ()
    reached: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    pools: Pools = Pools()

    def at(self, line: int) -> str:
        """A line in words: `line 40`, and in a notebook `line 2 of cell 3`."""
        cell = next((c for c in reversed(self.cells) if c.line <= line), None)
        return f"line {line}" if cell is None else f"line {line - cell.line + 1} of cell {cell.number}"

    @property
    def is_script(self) -> bool:
        """Whether importing the file does work of its own, so that the proof must not import it whole."""
        if self.cells:
            return False  # nobody imports a notebook
        alone = "." not in self.module and not self.package
        works = any(s.kind in ("guard", "work") for s in self.statements)
        return works and (alone or self.path.name == "__main__.py")
