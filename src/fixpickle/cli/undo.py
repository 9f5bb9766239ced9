"""`fixpickle undo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixpickle.cli.entry import alone
from fixpickle.cli.options import Verbose, finish

UNDO_EPILOG = """\b
Exit codes:
  0    the run was taken back
  1    files changed since: they are named, and nothing was done
  2    wrong usage, no such run, or a journal that cannot be read
  130  interrupted
"""

Number = Annotated[int | None, typer.Argument(metavar="RUN", help="The number of a run.  [default: the last]")]
Listing = Annotated[bool, typer.Option("--list", help="List the runs that can be taken back; do nothing.")]
Project = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder with .fixpickle.  [default: the closest, from here upward]"),
]


def undo(run: Number = None, listing: Listing = False, project: Project = None, verbose: Verbose = False) -> None:
    """Take back what a run of apply wrote: all of it, or nothing where a file changed since."""

    def work() -> int:
        from fixpickle.cli import wayback

        return wayback.list_runs(project) if listing else wayback.undo(run, project)

    finish(work, verbose)


app = alone(undo, UNDO_EPILOG)
