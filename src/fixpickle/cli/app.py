"""The commands and their options. Imports nothing that takes time until a command needs it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fixpickle import __version__
from fixpickle.cli.terminal import Color, abandon, complain, put
from fixpickle.model import Evidence, Strategy
from fixpickle.settings import Options

EPILOG = """\b
Exit codes:
  0    nothing is left to do: nothing was found, or everything found was fixed
       (with --diff and --dry-run: nothing was found that would be fixed)
  1    findings are left or were taken back, the diff is not empty,
       or a file was skipped for cause
  2    wrong usage or configuration, or an internal error
  130  interrupted
"""

app = typer.Typer(
    help="Rewrites Python code that cannot cross a process boundary, and proves each rewrite by pickling the result.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(str, Enum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


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
WhenColor = Annotated[Color, typer.Option(help="When to write in colour.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is left to do.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the traceback of an internal error.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even if something is left.")]


def main() -> None:
    """The entry point `fixpickle`. Always ends in SystemExit."""
    app(prog_name="fixpickle")


def _print_version(asked: bool) -> None:
    if asked:
        put(sys.stdout, f"fixpickle {__version__}\n")
        raise typer.Exit(0)


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _root(version: Version = False) -> None:
    """The options that need no command."""


@app.command(epilog=EPILOG)
def check(
    paths: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    reach: Reach = None,
    strategy: WhichStrategy = None,
    output_format: OutputFormat = Format.TEXT,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """List what cannot be pickled and has to be. Changes nothing and runs none of your code."""
    options = Options(
        select=_listed(select),
        ignore=_listed(ignore),
        exclude=_given(exclude),
        reach=reach.value if reach else None,
        strategy=strategy.value if strategy else None,
    )

    def work() -> int:
        from fixpickle.cli.flow import Mode, Request, execute

        as_json = output_format is Format.JSON
        return execute(Request(Mode.CHECK, _paths(paths), options, as_json, color, quiet, exit_zero))

    _finish(work, verbose)


@app.command(epilog=EPILOG)
def apply(
    paths: Paths = None,
    diff: Diff = False,
    dry_run: DryRun = False,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    unsafe_fixes: UnsafeFixes = None,
    verify: Verify = None,
    python: Python = None,
    reach: Reach = None,
    runtime: WhichRuntime = None,
    strategy: WhichStrategy = None,
    output_format: OutputFormat = Format.TEXT,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """Fix what can be fixed, prove each fix by pickling the result, and keep what was not refuted."""
    options = Options(
        select=_listed(select),
        ignore=_listed(ignore),
        exclude=_given(exclude),
        reach=reach.value if reach else None,
        strategy=strategy.value if strategy else None,
        runtime=runtime.value if runtime else None,
        unsafe_fixes=unsafe_fixes,
        verify=verify,
        python=python,
    )

    def work() -> int:
        from fixpickle.cli.flow import Mode, Request, execute

        mode = Mode.DIFF if diff else Mode.DRY_RUN if dry_run else Mode.APPLY
        as_json = output_format is Format.JSON
        return execute(Request(mode, _paths(paths), options, as_json, color, quiet, exit_zero))

    _finish(work, verbose)


@app.command()
def rules(output_format: OutputFormat = Format.TEXT, verbose: Verbose = False) -> None:
    """List the rules: name, safety, and what they find."""

    def work() -> int:
        from fixpickle.cli.catalogue import list_rules

        return list_rules(output_format is Format.JSON)

    _finish(work, verbose)


@app.command()
def explain(rule: Annotated[str, typer.Argument(metavar="RULE")], verbose: Verbose = False) -> None:
    """Print the page of one rule."""

    def work() -> int:
        from fixpickle.cli import catalogue

        return catalogue.explain(rule)

    _finish(work, verbose)


def _paths(paths: list[Path] | None) -> tuple[Path, ...]:
    return tuple(paths or [Path()])


def _listed(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """`a,b` and `c` as a, b, c; None where the option was not given."""
    return _given(name.strip() for value in values for name in value.split(",") if name.strip()) if values else None


def _given(values: Iterable[str] | None) -> tuple[str, ...] | None:
    return tuple(values) or None if values is not None else None


def _finish(work: Callable[[], int], verbose: bool) -> NoReturn:
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
