"""`fixpickle check`."""

from __future__ import annotations

from fixpickle.cli.options import (
    Baseline,
    ChangedSince,
    Exclude,
    ExitZero,
    Ignore,
    Output,
    OutputFormat,
    Paths,
    Quiet,
    Reach,
    Select,
    Verbose,
    WhenColor,
    WhichStrategy,
    chosen,
    finish,
    located,
    outputs,
)
from fixpickle.cli.request import Mode, Request, perform
from fixpickle.cli.terminal import Color
from fixpickle.report import Format


def check(
    paths: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    reach: Reach = None,
    strategy: WhichStrategy = None,
    baseline: Baseline = None,
    changed_since: ChangedSince = None,
    output_format: OutputFormat = Format.TEXT,
    output: Output = None,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """List what cannot be pickled and has to be. Changes nothing and runs none of your code."""
    options = chosen(select, ignore, exclude, reach, strategy, baseline)
    where, files = located(paths), outputs(output)
    request = Request(Mode.CHECK, where, options, changed_since, output_format, files, color, quiet, exit_zero)
    finish(lambda: perform(request), verbose)
