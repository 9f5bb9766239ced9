"""`fixpickle check`."""

from __future__ import annotations

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import EPILOG, alone
from fixpickle.cli.options import (
    Paths,
    Quiet,
    ShowFiles,
    Statistics,
    StdinName,
    Verbose,
    counting,
    finish,
    from_stdin,
    located,
)
from fixpickle.cli.request import Mode, Request, perform
from fixpickle.settings import Options, Stage


@with_settings(lambda setting: setting.stage in (Stage.FIND, Stage.NARROW, Stage.REPORT))
def check(
    *,
    paths: Paths = None,
    options: Options,
    show_files: ShowFiles = False,
    stdin_filename: StdinName = None,
    statistics: Statistics = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List what cannot be pickled and has to be. Changes nothing and runs none of your code."""
    stdin = from_stdin(paths, stdin_filename)
    mode = Mode.LIST if show_files else Mode.CHECK
    finish(lambda: perform(Request(mode, located(paths), counting(options, statistics), quiet, stdin=stdin)), verbose)


app = alone(check, EPILOG)
