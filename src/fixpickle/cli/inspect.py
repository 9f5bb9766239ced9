"""`fixpickle inspect`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import alone
from fixpickle.cli.options import Verbose, finish
from fixpickle.settings import Options

INSPECT_EPILOG = """\b
Exit codes:
  0    it crosses: plain pickle brings it to another process
  1    it does not
  2    wrong usage, or there is no such object
  130  interrupted
"""


class Form(str, Enum):
    """How an inspection is written."""

    TEXT = "text"
    JSON = "json"


Target = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:EXPRESSION",
        help="`package.module:name`, `package.module:make()`, or a file instead of the module: `train.py:Model(3)`.",
        show_default=False,
    ),
]
As = Annotated[Form, typer.Option("--output-format", help="How it is written.")]
Allocations = Annotated[
    bool, typer.Option("--allocations", help="Trace memory to find the line that made each part; slower.")
]
TimeLimit = Annotated[
    float | None, typer.Option(metavar="SECONDS", min=0.1, help="Without progress, the child is ended.  [default: 60]")
]


@with_settings(lambda setting: setting.key == "python")
def inspect(
    *,
    target: Target,
    allocations: Allocations = False,
    time_limit: TimeLimit = None,
    options: Options,
    output_format: As = Form.TEXT,
    verbose: Verbose = False,
) -> None:
    """Name every part of an object that cannot be pickled, the line that made it, and the rule that fixes it.

    The module is imported and the expression evaluated in a child process with limits.
    """

    def work() -> int:
        from fixpickle.cli.inspecting import Asked, inspected

        return inspected(Asked(target, allocations, time_limit, output_format is Form.JSON), options)

    finish(work, verbose)


app = alone(inspect, INSPECT_EPILOG)
