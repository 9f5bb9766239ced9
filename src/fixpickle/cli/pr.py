"""`fixpickle pr`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fixpickle.cli.options import (
    Baseline,
    ChangedSince,
    Exclude,
    Ignore,
    Paths,
    Python,
    Quiet,
    Reach,
    Select,
    UnsafeFixes,
    Verbose,
    Verify,
    WhichRuntime,
    WhichStrategy,
    chosen,
    finish,
    located,
)

PR_EPILOG = """\b
Exit codes:
  0    everything found was fixed and committed, or nothing was found
  1    findings are left or were taken back, or a file was skipped for cause
  2    wrong usage or configuration, an internal error, or the repository is
       not one to make a branch in: work that is in no commit, no branch, no git
  130  interrupted
"""

Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch that is made.")]
Body = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where the body goes.  [default: .fixpickle/pull-request.md]")
]
Planned = Annotated[bool, typer.Option("--dry-run", help="Say which commits there would be; print the body.")]


def pr(
    paths: Paths = None,
    dry_run: Planned = False,
    branch: Branch = "fixpickle",
    body: Body = None,
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
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a branch with one commit for each rule, and the body of the pull request. Pushes nothing."""
    options = replace(
        chosen(select, ignore, exclude, reach, strategy, baseline),
        runtime=runtime.value if runtime else None,
        unsafe_fixes=unsafe_fixes,
        verify=verify,
        python=python,
    )

    def work() -> int:
        from fixpickle.cli.pull_request import Order, pull_request

        return pull_request(Order(located(paths), options, changed_since, branch, body, dry_run, quiet))

    finish(work, verbose)
