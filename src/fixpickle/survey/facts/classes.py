"""Classes: how their instances keep attributes, their hooks and what is wrong with these."""

from __future__ import annotations

from enum import Enum

from fixpickle.model import Span
from fixpickle.survey.facts.fact import Fact


class StateHooks(Fact, frozen=True):
    """A class' own `__getstate__` (it `makes` the state) and `__setstate__` (it `takes` it).

    The first `copies` where it returns a copy of the instance's dictionary, or of its base's state, in which nothing
    but `dropped` is missing or another value. The second `restores` where it puts the whole state back; `set_again`
    are the attributes it sets. They ask `above` where each has the hook of the base do its part. Those
    `named` are pickled by their names where they hold a module or a standard stream, and else as they are.
    """

    makes: bool
    copies: bool
    dropped: tuple[str, ...]
    takes: bool
    restores: bool
    set_again: tuple[str, ...]
    above: bool = False
    named: tuple[str, ...] = ()


class Layout(Fact, frozen=True):
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


class Flaw(Fact, frozen=True):
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


class ClassFacts(Fact, frozen=True):
    """A class: its bases by symbolic name, what it keeps on its instances and what its annotations say it keeps.

    `methods` are the functions in its body, `properties` those that are read like attributes, `instanceless` those that
    are bound to the class or to nothing. `slots` are the names in its `__slots__`, None where it has none. `shaped`
    names what makes slots or hooks that are not written there, such as `dataclass(slots=True)`. It is `guarded` where
    setting an attribute does more than that. It has `coroutines` where it is used in an event loop.
    `members` are the names its body binds. It is `apart` where its constructor does not call that of a base.

    `mangled` is its stretch where it is nested under a private name and does not say its qualified name itself.
    `feigned` is the one of `__module__` and `__qualname__` that its body sets, what to, and where.
    `parts` are attributes that hold a list or the like, and what makes its elements, by symbolic name. `refusing` is
    the hook that raises whatever it is called with, `keyed_by_id` the attributes whose keys are made by `id()`, and
    `set_later` those that making an object does not set. `running` is a method that a thread runs which the class
    starts and does not wait for. `stated` are the attributes that its one hook names in the state that it gives.
    What is set on instances is `on_class` where its `__setattr__` sets it there. `served` are the methods
    that other processes call, by a decorator that says so.
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
    record: bool = False
    running: str = ""
    stated: tuple[str, ...] = ()
    on_class: bool = False
    served: frozenset[str] = frozenset()
