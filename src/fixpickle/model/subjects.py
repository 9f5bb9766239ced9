"""What to pickle as proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a callable stood before the fix: the child rebuilds it from its code object there."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class ByReference:
    """A definition that pickles by name after the fix: `module`.`name`.

    `bound` counts the leading positional-only parameters that the fix fills by `functools.partial`.
    """

    module: str
    name: str
    origin: Origin
    bound: int = 0


@dataclass(frozen=True, slots=True)
class ByState:
    """An instance of `module`.`cls`, for what the fix touches: one attribute, and the expression that makes it.

    `before` and `after` are evaluated in the module's namespace when no whole instance can be built. `holds` are other
    attributes that the instance is then given first, each with its expression. Where the attribute is `dropped`, a
    whole instance too holds what the expression gives, and it must arrive as None.
    """

    module: str
    cls: str
    attribute: str
    before: str
    after: str
    pickler: str = "pickle"
    holds: tuple[tuple[str, str], ...] = ()
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """A whole instance of `module`.`cls`, with everything in it: from the user's factory, or from its constructor.

    `pickler` is the library that pickles it wherever it is known to cross, `boundary` one that does so at some place.
    """

    module: str
    cls: str
    pickler: str = "pickle"
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class ByContents:
    """An instance of `module`.`cls` that must arrive with all that it held, and hold it still once it is pickled.

    Where no constructor makes one, `holds` are its attributes, as stored, and the expressions that make them; `fill`
    is an expression that puts an item into `self`, where it is a container. `dropped` need not arrive.
    """

    module: str
    cls: str
    holds: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...] = ()
    fill: str = ""
    pickler: str = "pickle"


@dataclass(frozen=True, slots=True)
class ByIdentity:
    """An object that `name` of `module` stands for, which must be that one and no other where it arrives."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class ByExpression:
    """A value that an expression gives in the module's namespace, before and after the fix."""

    module: str
    before: str
    after: str
    pickler: str = "pickle"


@dataclass(frozen=True, slots=True)
class ByValue:
    """A function or class of `module` that its boundary ships by value (cloudpickle, Ray)."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class ByCall:
    """A call whose arguments a library takes in another form now: `before` and `after`, as expressions.

    Nothing is called: the arguments are matched to the parameters of what is found in the namespace of `module`.
    """

    module: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Trainable:
    """A function or class that Ray Tune runs: made a trainable, and pickled, as Tune does it, without a cluster.

    Where `script` is given, it is that script's `__main__` that defines it, and Tune ships it by value.
    """

    module: str
    name: str
    script: Path | None = None


@dataclass(frozen=True, slots=True)
class FromScript:
    """A definition that lived in the `__main__` of `script` and lives in `module` after the fix."""

    script: Path
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Respawned:
    """`script` as a worker that is spawned imports it, with `names` in it. Before the fix its work began at `line`."""

    script: Path
    module: str
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class CellsRun:
    """All cells of `notebook`, run one after the other, whatever they do. `module` is what their definitions go to."""

    notebook: Path
    module: str


@dataclass(frozen=True, slots=True)
class ImportWeight:
    """How long a fresh interpreter takes to import `module`. It proves nothing."""

    module: str


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A fresh interpreter that imports `module`, with `names` where that is a script, and does not load `package`."""

    module: str
    package: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A `Parallel` and `delayed` pair of `module`, run on real joblib workers with a configuration set in the parent.

    `before` and `after` name the pair in the module's namespace, Parallel first. `state` is the library whose setting
    it is; after the fix, the expression `register` is evaluated first.
    """

    module: str
    before: tuple[str, str]
    after: tuple[str, str]
    state: str
    register: str = ""


@dataclass(frozen=True, slots=True)
class LokyTrip:
    """Functions of `module` that make a round trip through a real worker of `library`, each in a list of lists.

    They must arrive as themselves, with loky's default pickler and with plain pickle. Definitions of a script, which
    travel `by_value`, must arrive with the same code, with the default pickler alone. `library` is "loky" or the copy
    in joblib. It is about a workaround that is taken away, so they may cross before the change too.
    """

    module: str
    names: tuple[str, ...]
    library: str
    by_value: bool = False


Subject = (
    ByReference
    | ByIdentity
    | ByState
    | ByContents
    | Instance
    | ByExpression
    | ByValue
    | ByCall
    | Trainable
    | FromScript
    | Respawned
    | WorkerState
    | LokyTrip
    | CellsRun
    | ImportWeight
    | Unloaded
)
