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
    Verbose,
    WhenColor,
    finish,
    located,
    outputs,
)
from fixpickle.cli.request import Mode, Request, perform
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
    output: Output = None,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """List what cannot be pickled and has to be. Changes nothing and runs none of your code."""
    where, files = located(paths), outputs(output)
    request = Request(Mode.CHECK, where, options, changed_since, output_format, files, color, quiet, exit_zero)
    finish(lambda: perform(request), verbose)
