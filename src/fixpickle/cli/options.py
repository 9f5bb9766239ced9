"""Options that several commands share, and how a command ends. Imports nothing that takes time."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fixpickle.cli.request import Allow, Care
from fixpickle.cli.terminal import Color, abandon, complain
from fixpickle.model import Evidence, Strategy
from fixpickle.report import Format
from fixpickle.settings import Options

EPILOG = """\b
Exit codes:
  0    nothing is left to do: nothing was found, or everything found was fixed
       (with --diff and --dry-run: nothing was found that would be fixed)
  1    findings are left or were taken back, the diff is not empty,
       or a file was skipped for cause
  2    wrong usage or configuration, or an internal error; also where apply
       would change files with work that is in no commit
  130  interrupted
"""


class Runtime(str, Enum):
    """Where rewritten code finds what it needs at run time."""

    VENDOR = "vendor"
    PACKAGE = "package"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files and folders.  [default: .]", show_default=False),
]
Select = Annotated[list[str] | None, typer.Option(metavar="RULES", help="Only these rules; commas, or again.")]
Ignore = Annotated[list[str] | None, typer.Option(metavar="RULES", help="Not these rules; commas, or again.")]
Exclude = Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Leave out, as in a .gitignore; again.")]
Reach = Annotated[Evidence | None, typer.Option(help="How sure it must be that a value is pickled.  [default: state]")]
Diff = Annotated[bool, typer.Option("--diff", help="Print a patch for git apply; write nothing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Fix and prove, but write nothing.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask about each fix.")]
Resume = Annotated[bool, typer.Option("--resume", help="With -i: do not ask again what was answered before.")]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Write also files that are changed or new since the last commit.")
]
AllowStaged = Annotated[bool, typer.Option("--allow-staged", help="Write also files that are staged as they are.")]
UnsafeFixes = Annotated[
    bool | None, typer.Option("--unsafe-fixes/--no-unsafe-fixes", help="Fix also where behaviour can differ.")
]
Verify = Annotated[
    bool | None, typer.Option("--verify/--no-verify", help="Prove each fix by running it.  [default: verify]")
]
Python = Annotated[
    str | None, typer.Option(metavar="PATH", help="The interpreter that proves.  [default: the environment's]")
]
WhichRuntime = Annotated[Runtime | None, typer.Option(help="Copy what fixes need, or import it.  [default: vendor]")]
WhichStrategy = Annotated[
    Strategy | None, typer.Option(help="What becomes of locks; see docs/strategies.md.  [default: factory]")
]
OutputFormat = Annotated[Format, typer.Option(help="How the report is written.")]
Output = Annotated[
    list[str] | None, typer.Option(metavar="FORMAT=FILE", help="Write the report to a file as well; again.")
]
Baseline = Annotated[
    str | None, typer.Option(metavar="FILE", help="Leave out the findings of a baseline; see `fixpickle baseline`.")
]
ChangedSince = Annotated[
    str | None, typer.Option(metavar="REV", help="Only findings in files changed since a git revision.")
]
WhenColor = Annotated[Color, typer.Option(help="When to write in colour.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is left to do.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the traceback of an internal error.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even if something is left.")]


def chosen(
    select: list[str] | None,
    ignore: list[str] | None,
    exclude: list[str] | None,
    reach: Evidence | None,
    strategy: Strategy | None,
    baseline: str | None,
) -> Options:
    """What the options say that every command with findings has."""
    return Options(
        select=listed(select),
        ignore=listed(ignore),
        exclude=given(exclude),
        reach=reach.value if reach else None,
        strategy=strategy.value if strategy else None,
        baseline=baseline,
    )


def careful(interactive: bool, resume: bool, dirty: bool, staged: bool) -> Care:
    """How the run is watched over. Raises BadParameter, a usage error, where there is no session to go on with."""
    if resume and not interactive:
        raise typer.BadParameter("it goes with --interactive", param_hint="--resume")
    return Care(interactive, resume, Allow(dirty, staged))


def located(paths: list[Path] | None) -> tuple[Path, ...]:
    """The paths given, or the working directory."""
    return tuple(paths or [Path()])


def listed(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """`a,b` and `c` as a, b, c; None where the option was not given."""
    return given(name.strip() for value in values for name in value.split(",") if name.strip()) if values else None


def given(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """The values of an option; None where it was not given."""
    return tuple(values) or None if values is not None else None


def outputs(values: Iterable[str] | None) -> tuple[tuple[Format, Path], ...]:
    """The formats and files that `--output` names. Raises BadParameter, a usage error, for anything else."""
    found: list[tuple[Format, Path]] = []
    for value in values or ():
        name, _, path = value.partition("=")
        if name not in {form.value for form in Format} or not path:
            names = ", ".join(form.value for form in Format)
            raise typer.BadParameter(f"`{value}` is not FORMAT=FILE with a format of {names}", param_hint="--output")
        found.append((Format(name), Path(path)))
    return tuple(found)


def finish(work: Callable[[], int], verbose: bool) -> NoReturn:
    """Ends the process with what `work` returns. A pipe that was closed and a bug are no tracebacks for a user."""
    try:
        code = work()
    except KeyboardInterrupt:
        complain("interrupted")
        code = 130
    except BrokenPipeError:
        abandon(sys.stdout)
        code = 1
    except Exception as error:
        if verbose or os.environ.get("FIXPICKLE_DEBUG"):
            traceback.print_exc()
        complain(f"internal error: {type(error).__name__}: {error}; please report it with the output of -v")
        code = 2
    raise typer.Exit(code)
