"""What was asked for on the command line. Imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fixpickle.settings import Options


class Mode(Enum):
    """How far a command goes."""

    CHECK = "find, fix nothing"
    DRY_RUN = "fix and prove, write nothing"
    DIFF = "fix and prove, print the patch, write nothing"
    APPLY = "fix, prove and write"
    FILTER = "fix and prove, print the file"
    LIST = "name the files that would be read"


@dataclass(frozen=True, slots=True)
class Allow:
    """What may be written over though no commit holds it. `dirty` means staged files too."""

    dirty: bool = False
    staged: bool = False


@dataclass(frozen=True, slots=True)
class Care:
    """How a run that fixes is watched over: whether a person decides, and goes on with an earlier session."""

    interactive: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """The record of a traced run that says what to fix, and whether the program is run again afterwards."""

    record: Path
    rerun: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line. `stdin` is the file whose text comes from there; it is the only path."""

    mode: Mode
    paths: tuple[Path, ...]
    options: Options
    quiet: bool
    care: Care = Care()
    lead: Lead | None = None
    stdin: Path | None = None


def perform(request: Request) -> int:
    """Does it, and gives the exit code."""
    if request.stdin is not None:
        from fixpickle.cli.filter import filtered

        return filtered(request, request.stdin)
    if request.mode is Mode.CHECK:
        from fixpickle.cli.recalling import recalled

        code = recalled(request)
        if code is not None:
            return code
    from fixpickle.cli.flow import execute

    return execute(request)
