"""`fixpickle check`."""

from __future__ import annotations

from fixpickle.cli.declared import with_settings
from fixpickle.cli.options import (
    ChangedSince,
    ExitZero,
    Output,
    OutputFormat,
    Paths,
    Quiet,
    Statistics,
    Verbose,
    WhenColor,
    finish,
    located,
    outputs,
    printed,
)
from fixpickle.cli.request import Gate, Mode, Request, perform
from fixpickle.cli.terminal import Color
from fixpickle.report import Format
from fixpickle.settings import Options, Stage


@with_settings(lambda setting: setting.stage is Stage.FIND)
def check(
    *,
    paths: Paths = None,
    options: Options,
    changed_since: ChangedSince = None,
    output_format: OutputFormat = Format.TEXT,
    statistics: Statistics = False,
    output: Output = None,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """List what cannot be pickled and has to be. Changes nothing and runs none of your code."""
    where, files = located(paths), outputs(output)
    form = printed(output_format, statistics)
    request = Request(Mode.CHECK, where, options, changed_since, form, files, color, quiet, Gate(exit_zero))
    finish(lambda: perform(request), verbose)
