"""`fixpickle apply`."""

from __future__ import annotations

from fixpickle.cli.declared import with_settings
from fixpickle.cli.options import (
    AllowDirty,
    AllowStaged,
    ChangedSince,
    Diff,
    DryRun,
    ExitNonZeroOnFix,
    ExitZero,
    FixOnly,
    FromTrace,
    Interactive,
    Output,
    OutputFormat,
    Paths,
    Quiet,
    Rerun,
    Resume,
    Statistics,
    Verbose,
    WhenColor,
    careful,
    finish,
    located,
    outputs,
    printed,
)
from fixpickle.cli.request import Gate, Lead, Mode, Request, perform
from fixpickle.cli.terminal import Color
from fixpickle.report import Format
from fixpickle.settings import Options


@with_settings(lambda setting: setting.stage is not None)
def apply(
    *,
    paths: Paths = None,
    diff: Diff = False,
    dry_run: DryRun = False,
    interactive: Interactive = False,
    resume: Resume = False,
    fix_only: FixOnly = False,
    allow_dirty: AllowDirty = False,
    allow_staged: AllowStaged = False,
    options: Options,
    from_trace: FromTrace = None,
    rerun: Rerun = True,
    changed_since: ChangedSince = None,
    output_format: OutputFormat = Format.TEXT,
    statistics: Statistics = False,
    output: Output = None,
    color: WhenColor = Color.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
    exit_zero: ExitZero = False,
    exit_non_zero_on_fix: ExitNonZeroOnFix = False,
) -> None:
    """Fix what can be fixed, prove each fix by pickling the result, and keep what was not refuted."""
    care = careful(interactive, resume, allow_dirty, allow_staged)
    mode = Mode.DIFF if diff else Mode.DRY_RUN if dry_run else Mode.APPLY
    where, files = located(paths), outputs(output)
    form, gate = printed(output_format, statistics), Gate(exit_zero, exit_non_zero_on_fix, fix_only)
    lead = Lead(from_trace, rerun) if from_trace is not None else None
    request = Request(mode, where, options, changed_since, form, files, color, quiet, gate, care, lead)
    finish(lambda: perform(request), verbose)
