"""Options that several commands share, and how a command ends. Imports nothing that takes time."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fixpickle.cli.request import Allow, Care
from fixpickle.cli.terminal import Color, Terminated, abandon, complain, terminable
from fixpickle.report import Format

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


Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files and folders.  [default: .]", show_default=False),
]
Diff = Annotated[bool, typer.Option("--diff", help="Print a patch for git apply; write nothing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "--check", help="Fix and prove, but write nothing.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask about each fix.")]
Resume = Annotated[bool, typer.Option("--resume", help="With -i: do not ask again what was answered before.")]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Write also files that are changed or new since the last commit.")
]
AllowStaged = Annotated[bool, typer.Option("--allow-staged", help="Write also files that are staged as they are.")]
OutputFormat = Annotated[Format, typer.Option(help="How the report is written.")]
Output = Annotated[
    list[str] | None, typer.Option(metavar="FORMAT=FILE", help="Write the report to a file as well; again.")
]
ChangedSince = Annotated[
    str | None, typer.Option(metavar="REV", help="Only findings in files changed since a git revision.")
]
FromTrace = Annotated[
    Path | None,
    typer.Option("--from-trace", metavar="FILE", help="Fix what a traced run failed on, and nothing else."),
]
Rerun = Annotated[
    bool, typer.Option("--rerun/--no-rerun", help="With --from-trace: run the program again, and compare.")
]
WhenColor = Annotated[Color, typer.Option(help="When to write in colour.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is left to do.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the traceback of an internal error.")]
ExitNonZeroOnFix = Annotated[
    bool, typer.Option("--exit-non-zero-on-fix", help="Exit with 1 also if everything found was fixed.")
]
FixOnly = Annotated[bool, typer.Option("--fix-only", help="Say nothing of what is left, and let it be no failure.")]
Statistics = Annotated[
    bool, typer.Option("--statistics", help="Print counts of each rule; short for --output-format statistics.")
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even if something is left.")]


def careful(interactive: bool, resume: bool, dirty: bool, staged: bool) -> Care:
    """How the run is watched over. Raises BadParameter, a usage error, where there is no session to go on with."""
    if resume and not interactive:
        raise typer.BadParameter("it goes with --interactive", param_hint="--resume")
    return Care(interactive, resume, Allow(dirty, staged))


def located(paths: list[Path] | None) -> tuple[Path, ...]:
    """The paths given, or the working directory."""
    return tuple(paths or [Path()])


def printed(form: Format, statistics: bool) -> Format:
    """The format that is printed. Raises BadParameter, a usage error, where two are asked for."""
    if statistics and form not in (Format.TEXT, Format.STATISTICS):
        raise typer.BadParameter(
            f"it goes with no --output-format {form.value}; see --output", param_hint="--statistics"
        )
    return Format.STATISTICS if statistics else form


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
        with terminable():
            code = work()
    except KeyboardInterrupt:
        complain("interrupted")
        code = 130
    except Terminated:
        complain("terminated")
        code = 143
    except BrokenPipeError:
        abandon(sys.stdout)
        code = 1
    except Exception as error:
        if verbose or os.environ.get("FIXPICKLE_DEBUG"):
            traceback.print_exc()
        complain(f"internal error: {type(error).__name__}: {error}; please report it with the output of -v")
        code = 2
    raise typer.Exit(code)
