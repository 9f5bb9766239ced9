"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from fixpickle.model.reach import Evidence, Safety, Traced

if TYPE_CHECKING:
    from fixpickle.model.findings import Finding


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


class Workers(str, Enum):
    """Where files are surveyed, rewritten and proved. PROCESSES: in processes here. RAY: on a Ray cluster."""

    PROCESSES = "processes"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do: the command line over `[tool.fixpickle]` over the defaults.

    What a person may set is declared in :mod:`fixpickle.settings.declared`, under the name of its field.
    `release` is that of the interpreter `python`, empty where it cannot be told without running it.
    `baseline` is the file of findings that are known and wait, `known` its entries. Where `only` is given, findings in
    other files are left out; these files are still read, for what they tell about the others. `traced` is where a real
    run failed.
    """

    root: Path
    python: Path
    release: tuple[int, ...] = ()
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
    jobs: int = 0
    executor: Workers = Workers.PROCESSES
    address: str = ""
    cache: bool = True
    cache_dir: Path | None = None
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
