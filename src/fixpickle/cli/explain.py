"""`fixpickle explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from fixpickle.cli.entry import alone
from fixpickle.cli.options import Verbose, finish


def explain(rule: Annotated[str, typer.Argument(metavar="RULE")], verbose: Verbose = False) -> None:
    """Print the page of one rule."""

    def work() -> int:
        from fixpickle.cli import catalogue

        return catalogue.explain(rule)

    finish(work, verbose)


app = alone(explain)
