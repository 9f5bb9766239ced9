"""`fixpickle apply`."""

from __future__ import annotations

from dataclasses import replace

from fixpickle.cli.options import (
    AllowDirty,
    AllowStaged,
    Baseline,
    ChangedSince,
    Diff,
    DryRun,
    Exclude,
    ExitZero,
    Ignore,
    Interactive,
    Output,
    OutputFormat,
    Paths,
    Python,
    Quiet,
    Reach,
    Resume,
    Select,
    UnsafeFixes,
    Verbose,
    Verify,
    WhenColor,
    WhichRuntime,
    WhichStrategy,
    careful,
    chosen,
    finish,
    located,
    outputs,
)
from fixpickle.cli.request import Mode, Request, perform
from fixpickle.cli.terminal import Color
from fixpickle.report import Format


def apply(
    paths: Paths = None,
    diff: Diff = False,
    dry_run: DryRun = False,
    interactive: Interactive = False,
    resume: Resume = False,
    allow_dirty: AllowDirty = False,
    allow_staged: AllowStaged = False,
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
    options = replace(
        chosen(select, ignore, exclude, reach, strategy, baseline),
        runtime=runtime.value if runtime else None,
        unsafe_fixes=unsafe_fixes,
        verify=verify,
        python=python,
    )
    care = careful(interactive, resume, allow_dirty, allow_staged)
    mode = Mode.DIFF if diff else Mode.DRY_RUN if dry_run else Mode.APPLY
    where, files = located(paths), outputs(output)
    request = Request(mode, where, options, changed_since, output_format, files, color, quiet, exit_zero, care)
    finish(lambda: perform(request), verbose)
