"""What makes a function a command."""

from __future__ import annotations

from collections.abc import Callable

import typer

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


def alone(function: Callable[..., None], epilog: str | None = None, *, interspersed: bool = True) -> typer.Typer:
    """A command as an application of its own, for the group to find. `interspersed` options may follow arguments."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command(epilog=epilog, context_settings={"allow_interspersed_args": interspersed})(function)
    return app
