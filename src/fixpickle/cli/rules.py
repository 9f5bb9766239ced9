"""`fixpickle rules`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from fixpickle.cli.entry import alone
from fixpickle.cli.options import Verbose, finish


class Form(str, Enum):
    """How the list of rules is written."""

    TEXT = "text"
    JSON = "json"


Listing = Annotated[Form, typer.Option(help="How the list is written.")]


def rules(output_format: Listing = Form.TEXT, verbose: Verbose = False) -> None:
    """List the rules: name, safety, and what they find."""

    def work() -> int:
        from fixpickle.cli.catalogue import list_rules

        return list_rules(output_format is Form.JSON)

    finish(work, verbose)


app = alone(rules)
