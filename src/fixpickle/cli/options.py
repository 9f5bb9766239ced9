"""Options that several commands share, and how a command ends. Imports nothing that takes time."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fixpickle.cli.request import Care
from fixpickle.cli.terminal import Terminated, abandon, complain, terminable
from fixpickle.model import Format
from fixpickle.settings import Options

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files and folders.  [default: .]", show_default=False),
]
Diff = Annotated[bool, typer.Option("--diff", help="Print a patch for git apply; write nothing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "--check", help="Fix and prove, but write nothing.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask about each fix.")]
Resume = Annotated[bool, typer.Option("--resume", help="With -i: do not ask again what was answered before.")]
ShowFiles = Annotated[bool, typer.Option("--show-files", help="Name the files that would be read; do nothing.")]
StdinName = Annotated[
    Path | None, typer.Option("--stdin-filename", metavar="FILE", help="With `-`: which file stdin is the text of.")
]
FromTrace = Annotated[
    Path | None,
    typer.Option("--from-trace", metavar="FILE", help="Fix what a traced run failed on, and nothing else."),
]
Rerun = Annotated[
    bool, typer.Option("--rerun/--no-rerun", help="With --from-trace: run the program again, and compare.")
]
Statistics = Annotated[
    bool, typer.Option("--statistics", help="Print counts of each rule; short for --output-format statistics.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is left to do.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the traceback of an internal error.")]


def careful(interactive: bool, resume: bool) -> Care:
    """How the run is watched over. Raises BadParameter, a usage error, where there is no session to go on with."""
    if resume and not interactive:
        raise typer.BadParameter("it goes with --interactive", param_hint="--resume")
    return Care(interactive, resume)


def from_stdin(paths: list[Path] | None, name: Path | None) -> Path | None:
    """The name of the file that comes from standard input; None where none does. Raises BadParameter, a usage error."""
    if paths and Path("-") in paths:
        if len(paths) > 1:
            raise typer.BadParameter("`-` is the only path where it is one", param_hint="paths")
        return (name or Path("stdin.py")).absolute()
    if name is not None:
        raise typer.BadParameter("it names what comes from stdin; give `-` as the path", param_hint="--stdin-filename")
    return None


def located(paths: list[Path] | None) -> tuple[Path, ...]:
    """The paths given, or the working directory."""
    return tuple(paths or [Path()])


def counting(options: Options, statistics: bool) -> Options:
    """With the format that `--statistics` stands for. Raises BadParameter, a usage error, where there is another."""
    form = options.values.get("output-format", Format.STATISTICS)
    if statistics and isinstance(form, Format) and form is not Format.STATISTICS:
        raise typer.BadParameter(
            f"it goes with no --output-format {form.value}; see --output", param_hint="--statistics"
        )
    return replace(options, values={**options.values, "output-format": Format.STATISTICS}) if statistics else options


def finish(work: Callable[[], int], verbose: bool) -> NoReturn:
    """Ends the process with what `work` returns. A pipe that was closed and a bug are no tracebacks for a user."""
    try:
        with terminable():
            code = work()
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
