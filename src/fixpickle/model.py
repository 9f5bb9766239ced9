"""The words: small frozen values that every other part of fixpickle speaks in.

Nothing here holds a syntax tree or an open resource, so every value can be pickled, printed and compared.
Offsets are characters in :attr:`Source.text`, lines and columns count from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file: character offsets, and where a person finds its start.

    In a notebook that is the line `row` of a `cell`, both from 1; `line` is the one of the file that holds it.
    """

    start: int
    end: int
    line: int
    column: int
    cell: int = 0
    row: int = 0

    def __str__(self) -> str:
        """As editors and people write it behind the path: `7:5`, or `cell 3:2:5`."""
        return f"{self.where}:{self.column}"

    @property
    def where(self) -> str:
        """The same without the column."""
        return f"cell {self.cell}:{self.row}" if self.cell else str(self.line)


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read. `text` keeps the file's own newlines; `newline` is the one most of its lines use.

    Of a notebook, `text` is its code cells as one module, and `notebook` what the file itself holds.
    """

    path: Path
    text: str
    encoding: str
    newline: str
    bom: bool
    digest: str
    module: str
    root: Path
    explicit: bool = False
    notebook: str = ""

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


class Evidence(str, Enum):
    """How strong the reason is to believe that a value is really pickled, strongest first."""

    TRACED = "traced"
    BOUNDARY = "boundary"
    STATE = "state"
    ANY = "any"

    def admits(self, other: Evidence) -> bool:
        """Whether a run asked for `self` acts on a finding that has `other`."""
        order = list(Evidence)
        return order.index(other) <= order.index(self)


@dataclass(frozen=True, slots=True)
class Reach:
    """Why a value is believed to be pickled: the evidence, the steps a reader can follow, the pickler at the end.

    `carrier` is the class, as `module:Class`, whose instances carry the value along; empty where none does.
    """

    evidence: Evidence
    chain: tuple[str, ...]
    pickler: str = "pickle"
    carrier: str = ""

    def __str__(self) -> str:
        return ", ".join(self.chain)


@dataclass(frozen=True, slots=True)
class Traced:
    """Where a real run made what could not cross: lines `line` to `last` of a file, as they were then.

    `name` is that of a function or class, `<lambda>` among them, and empty for an instance. `words` tell a reader what
    happened. `main` says that it is a definition of a script which another process did not find, `bound` that it is a
    function which a module binds under a name of its own: then that statement is at fault, or what makes the function.
    `carrier` is the class, as `module:Class`, whose instance could not be loaded.
    """

    path: Path
    line: int
    last: int
    name: str
    words: str
    main: bool = False
    bound: bool = False
    carrier: str = ""


class Safety(str, Enum):
    """What can go wrong with a fix.

    SAFE: same behaviour in-process. UNSAFE: can differ in a way the rule's page names. MANUAL: reported, never edited.
    """

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


# --- subjects: what to pickle as proof ------------------------------------------------------------------------------


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
    """A whole instance of `module`.`cls`, with everything in it: from the user's factory, or from its constructor."""

    module: str
    cls: str


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


# --- findings and patches -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that cannot cross a process boundary, and why it is believed to have to.

    `reason` says why there is no fix, and is empty where there is one. `fingerprint` is 16 hexadecimal digits that stay
    the same while lines move: it is made of the rule, the path below the root, the message and the code.
    """

    rule: str
    path: Path
    span: Span
    message: str
    reach: Reach
    safety: Safety = Safety.SAFE
    reason: str = ""
    fingerprint: str = ""

    @property
    def fixable(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the characters `start` to `end` of `path`; equal offsets insert. `text` uses `\\n`."""

    path: Path
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class NewFile:
    """A file the fix brings along. Two patches may bring the same one."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One finding's whole change, kept or taken back as one, like a commit with one reason.

    `subjects` run from the strongest proof to the weakest. `notes` are what a reviewer must know.
    """

    finding: Finding
    edits: tuple[Edit, ...]
    new_files: tuple[NewFile, ...] = ()
    subjects: tuple[Subject, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> frozenset[Path]:
        return frozenset(e.path for e in self.edits) | frozenset(n.path for n in self.new_files)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something was not done, for a reason a person can act on. `line` is 0 where no line is to blame."""

    path: Path
    reason: str
    line: int = 0
    rule: str = ""


# --- verdicts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proved:
    """The subject crossed from one fresh interpreter to another. `how` says which subject; `before` how it failed.

    `unexercised` says what was not tried of it.
    """

    how: str
    before: str
    unexercised: str = ""


@dataclass(frozen=True, slots=True)
class Refuted:
    """The patch broke something, or left its subject unpicklable."""

    reason: str
    before: str


@dataclass(frozen=True, slots=True)
class Unproved:
    """Nothing could be exercised, and why."""

    reason: str
    before: str = ""


Verdict = Proved | Refuted | Unproved


# --- results --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """A patch that was kept, and its verdict. `round` counts from 1: the edits of later ones are to changed texts."""

    patch: Patch
    verdict: Verdict
    round: int = 1


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A patch that was made and not kept: refuted by the proof, or by our own checks."""

    patch: Patch
    verdict: Refuted


@dataclass(frozen=True, slots=True)
class Left:
    """A finding that has no fix here, and why: refused, unsafe, or suppressed by nothing.

    It is the finding in the files as the run leaves them. `first` is the same one in the files as it found them; None
    where a fix uncovered it.
    """

    finding: Finding
    reason: str
    first: Finding | None = None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that is not acted on because somebody said so, in a comment or in the baseline, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A class whose instances carry what was fixed: the fixes they needed, and what becomes of an instance now.

    The verdict compares the files as the run found them with the files as it leaves them. Refuted says that an
    instance still does not cross, and names what is in the way by its path.
    """

    subject: Instance
    fixes: tuple[Finding, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after. `old` is None for a new file."""

    path: Path
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix that held, and what it alone changes in the files as they stand."""

    fixed: Fixed
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """All that one run found and did. `changes` is what was, or in a dry run would be, written.

    `stale` are the fingerprints of the baseline that no finding has any more. `offers` are there only where somebody
    asked to see what each fix changes.
    """

    root: Path
    files: int
    fixed: tuple[Fixed, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    left: tuple[Left, ...] = ()
    skipped: tuple[Refusal, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    stale: tuple[str, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    changes: tuple[Change, ...] = ()
    offers: tuple[Offer, ...] = ()
    written: bool = False
    python: str = ""
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """True where nothing is left for a person to do."""
        return not (self.left or self.taken_back or self.skipped)


# --- settings -------------------------------------------------------------------------------------------------------


class Strategy(str, Enum):
    """What becomes of a lock that is carried along.

    FACTORY: its picklable counterpart. STATE_HOOKS: the class leaves it out and makes it anew. FILE: a lock that
    excludes the processes of one user on one host. RAY: one that excludes a whole cluster. REMOVE: nothing, no lock.
    """

    FACTORY = "factory"
    STATE_HOOKS = "state-hooks"
    FILE = "file"
    RAY = "ray"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class BoundaryEntry:
    """A call of the user's own that pickles some of its arguments, as `[[tool.fixpickle.boundaries]]` says it.

    `params` are pairs of a place, counted from 0 ("1+" is that one and all after it, "*" any keyword, "" none), and a
    keyword or "". `receiver` is the class or constructor whose instances have the method; with `decorator`, arguments
    of decorated functions cross. `needs` are keywords of which one must be given, `quiet` the constants, as Python
    writes them, under which nothing crosses.
    """

    names: tuple[str, ...]
    params: tuple[tuple[str, str], ...]
    receiver: str = ""
    pickler: str = "pickle"
    by_value: bool = False
    decorator: bool = False
    needs: tuple[str, ...] = ()
    quiet: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """An entry of the baseline: the fingerprint of a finding, the file it was in and the rule that found it."""

    fingerprint: str
    path: Path
    rule: str


class Format(str, Enum):
    """How a report is written. Each has a module of its name in :mod:`fixpickle.report`."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"
    STATISTICS = "statistics"
    VERDICTS = "verdicts"


class Color(str, Enum):
    """When to write in colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Runtime(str, Enum):
    """Where rewritten code finds what it needs at run time: in a copy beside it, or in the installed fixpickle."""

    VENDOR = "vendor"
    PACKAGE = "package"


class Pair(str, Enum):
    """Where `Parallel` and `delayed` come from in the place of joblib's. AUTO: from what the project depends on."""

    AUTO = "auto"
    RUNTIME = "runtime"
    TPCP = "tpcp"
    SKLEARN = "sklearn"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do: the command line over `[tool.fixpickle]` over the defaults.

    What a person may set is declared in :mod:`fixpickle.settings.declared`, under the name of its field.
    `baseline` is the file of findings that are known and wait, `known` its entries. Where `only` is given, findings in
    other files are left out; these files are still read, for what they tell about the others. `traced` is where a real
    run failed.
    """

    root: Path
    python: Path
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    per_file_ignores: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    reach: Evidence = Evidence.STATE
    runtime: Runtime = Runtime.VENDOR
    strategy: Strategy = Strategy.FACTORY
    fixable: frozenset[str] = frozenset()
    unfixable: frozenset[str] = frozenset()
    delayed_from: Pair = Pair.AUTO
    unsafe_fixes: bool = False
    verify: bool = True
    prove_with_ray: bool = False
    factories: Mapping[str, str] = field(default_factory=dict)
    require_proof: bool = False
    check_command: str = ""
    prove_with: str = ""
    prove_used: bool = False
    baseline: Path | None = None
    known: tuple[Known, ...] = ()
    changed_since: str | None = None
    only: frozenset[Path] | None = None
    allow_dirty: bool = False
    allow_staged: bool = False
    boundaries: tuple[BoundaryEntry, ...] = ()
    quiet: frozenset[str] = frozenset()
    traced: tuple[Traced, ...] = ()
    heavy_import: float = 0.5
    run_notebooks: bool = False
    time_limit: float = 60.0
    memory_limit: int = 4096
    process_limit: int = 256
    network: bool = False
    output_format: Format = Format.TEXT
    output: tuple[tuple[Format, Path], ...] = ()
    color: Color = Color.AUTO
    exit_zero: bool = False
    exit_non_zero_on_fix: bool = False
    fix_only: bool = False

    @property
    def formats(self) -> frozenset[Format]:
        """Every format that the report is wanted in."""
        return frozenset({self.output_format, *(form for form, _ in self.output)})

    def selects(self, rule: str) -> bool:
        """Whether the rule of that name takes part in this run."""
        return rule not in self.ignore and (not self.select or rule in self.select)

    def bars(self, finding: Finding) -> str:
        """Why a finding that has a fix is to be left all the same; empty where it is not."""
        if finding.rule in self.unfixable or (self.fixable and finding.rule not in self.fixable):
            return "`fixable` or `unfixable` says to leave it"
        unsafe = finding.safety is Safety.UNSAFE and not self.unsafe_fixes
        return "its fix can change behaviour; --unsafe-fixes applies it" if unsafe else ""


Overlay = Mapping[Path, str]
"""Texts that stand in for files on disk, or for files that do not exist yet."""

Compose = Callable[[Sequence[Patch]], Overlay]
"""The texts with just these patches applied, new files included."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the patched modules live. Paths are absolute.

    `roots` are the import roots, first wins, that go before everything else on `sys.path`. `scripts` maps dotted names
    to the files whose top level does work: a proof runs only the definitions it needs of them. `notebooks` are those
    that are to change, with their code as it stands.
    """

    roots: tuple[Path, ...]
    scripts: Mapping[str, Path] = field(default_factory=dict)
    notebooks: Mapping[Path, str] = field(default_factory=dict)
