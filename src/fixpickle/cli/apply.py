"""`fixpickle apply`."""

from __future__ import annotations

from fixpickle.cli.options import (
    Baseline,
    ChangedSince,
    Diff,
    DryRun,
    Exclude,
    ExitZero,
    Ignore,
    Output,
    OutputFormat,
    Paths,
    Python,
    Quiet,
    Reach,
    Select,
    UnsafeFixes,
    Verbose,
    Verify,
    WhenColor,
    WhichRuntime,
    WhichStrategy,
    finish,
    given,
    listed,
    located,
    outputs,
)
from fixpickle.cli.request import Mode, Request, perform
from fixpickle.cli.terminal import Color
from fixpickle.report import Format
from fixpickle.settings import Options


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
    baseline: Baseline = None,
    changed_since: ChangedSince = None,
    output_format: OutputFormat = Format.TEXT,
    output: Output = None,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
) -> None:
    """Fix what can be fixed, prove each fix by pickling the result, and keep what was not refuted."""
    options = Options(
        select=listed(select),
        ignore=listed(ignore),
        exclude=given(exclude),
        reach=reach.value if reach else None,
        strategy=strategy.value if strategy else None,
        baseline=baseline,
        runtime=runtime.value if runtime else None,
        unsafe_fixes=unsafe_fixes,
        verify=verify,
        python=python,
    )

    mode = Mode.DIFF if diff else Mode.DRY_RUN if dry_run else Mode.APPLY
    where, files = located(paths), outputs(output)
    request = Request(mode, where, options, changed_since, output_format, files, color, quiet, exit_zero)
    finish(lambda: perform(request), verbose)
