"""`fixpickle pr`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import alone
from fixpickle.cli.options import Paths, Quiet, Verbose, finish, located
from fixpickle.settings import Options, Stage

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


@with_settings(lambda setting: setting.stage in (Stage.FIND, Stage.NARROW, Stage.FIX))
def pr(
    *,
    paths: Paths = None,
    dry_run: Planned = False,
    branch: Branch = "fixpickle",
    body: Body = None,
    options: Options,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a branch with one commit for each rule, and the body of the pull request. Pushes nothing."""

    def work() -> int:
        from fixpickle.cli.pull_request import Order, pull_request

        return pull_request(Order(located(paths), options, branch, body, dry_run, quiet))

    finish(work, verbose)


app = alone(pr, PR_EPILOG)
