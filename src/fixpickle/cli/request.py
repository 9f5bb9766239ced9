"""What was asked for on the command line. Imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fixpickle.cli.terminal import Color
from fixpickle.model import RunReport
from fixpickle.report import Format
from fixpickle.settings import Options


class Mode(Enum):
    """How far a command goes."""

    CHECK = "find, fix nothing"
    DRY_RUN = "fix and prove, write nothing"
    DIFF = "fix and prove, print the patch, write nothing"
    APPLY = "fix, prove and write"


@dataclass(frozen=True, slots=True)
class Allow:
    """What may be written over though no commit holds it. `dirty` means staged files too."""

    dirty: bool = False
    staged: bool = False


@dataclass(frozen=True, slots=True)
class Care:
    """How a run that fixes is watched over: whether a person decides, and what may be written over."""

    interactive: bool = False
    resume: bool = False
    allow: Allow = Allow()


@dataclass(frozen=True, slots=True)
class Gate:
    """What a run's exit code says.

    `zero`: what is left is no failure. `on_fix`: that something was to be fixed is one. `fix_only`: what is left is not
    told of either.
    """

    zero: bool = False
    on_fix: bool = False
    fix_only: bool = False

    def code(self, report: RunReport) -> int:
        """0, or 1 where something is left to do, or is not as it was."""
        done = report.clean and (report.written or not report.changes)
        return 0 if self.zero or (done and not (self.on_fix and report.fixed)) else 1


@dataclass(frozen=True, slots=True)
class Lead:
    """The record of a traced run that says what to fix, and whether the program is run again afterwards."""

    record: Path
    rerun: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    mode: Mode
    paths: tuple[Path, ...]
    options: Options
    changed_since: str | None
    output: Format
    files: tuple[tuple[Format, Path], ...]
    color: Color
    quiet: bool
    gate: Gate
    care: Care = Care()
    lead: Lead | None = None

    @property
    def formats(self) -> frozenset[Format]:
        """Every format that the report is wanted in."""
        return frozenset({self.output, *(form for form, _ in self.files)})


def perform(request: Request) -> int:
    """Does it, and gives the exit code."""
    from fixpickle.cli.flow import execute

    return execute(request)
