"""`fixpickle apply`."""

from __future__ import annotations

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import EPILOG, alone
from fixpickle.cli.options import (
    Diff,
    DryRun,
    FromTrace,
    Interactive,
    Paths,
    Quiet,
    Rerun,
    Resume,
    ShowFiles,
    Statistics,
    StdinName,
    Verbose,
    careful,
    counting,
    finish,
    from_stdin,
    located,
)
from fixpickle.cli.request import Lead, Mode, Request, perform
from fixpickle.settings import Options, Stage


@with_settings(lambda setting: setting.stage not in (None, Stage.LOAD))
def apply(
    *,
    paths: Paths = None,
    diff: Diff = False,
    dry_run: DryRun = False,
    interactive: Interactive = False,
    resume: Resume = False,
    options: Options,
    from_trace: FromTrace = None,
    rerun: Rerun = True,
    show_files: ShowFiles = False,
    stdin_filename: StdinName = None,
    statistics: Statistics = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fix what can be fixed, prove each fix by pickling the result, and keep what was not refuted."""
    care, stdin = careful(interactive, resume), from_stdin(paths, stdin_filename)
    mode = Mode.APPLY if stdin is None else Mode.FILTER
    mode = Mode.LIST if show_files else Mode.DIFF if diff else Mode.DRY_RUN if dry_run else mode
    lead = Lead(from_trace, rerun) if from_trace is not None else None
    request = Request(mode, located(paths), counting(options, statistics), quiet, care, lead, stdin)
    finish(lambda: perform(request), verbose)


app = alone(apply, EPILOG)
