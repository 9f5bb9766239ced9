"""`fixpickle trace`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import alone
from fixpickle.cli.options import Quiet, Verbose, finish
from fixpickle.cli.terminal import complain, put
from fixpickle.model import Refusal
from fixpickle.settings import Options

TRACE_EPILOG = """\b
Exit codes:
  the program's own; 128 and the number of the signal that ended it;
  124  the time limit was reached
  2    the program cannot be started, or the record cannot be written
"""

Command = Annotated[
    list[str],
    typer.Argument(
        metavar="-- COMMAND...",
        help="The program and its arguments: `python train.py`, `pytest -q`, `train.py`, `-m package`.",
        show_default=False,
    ),
]
Kept = Annotated[Path, typer.Option("--output", metavar="FILE", help="Where the record goes.")]
TimeLimit = Annotated[float | None, typer.Option(metavar="SECONDS", min=0.1, help="Stop the program after that.")]
Allocations = Annotated[
    bool,
    typer.Option("--allocations", help="Find the line that made each leaf by tracing memory; several times slower."),
]


@with_settings(lambda setting: setting.key == "python")
def trace(
    *,
    command: Command,
    output: Kept = Path("fixpickle-trace.json"),
    time_limit: TimeLimit = None,
    allocations: Allocations = False,
    options: Options,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a program as it is, and record what cannot be pickled, loaded or copied in it and its processes.

    `fixpickle apply --from-trace FILE` fixes what the record holds.
    """
    finish(lambda: _traced(command, output, time_limit, allocations, options, quiet), verbose)


# What follows the program's name is the program's, options too.
app = alone(trace, TRACE_EPILOG, interspersed=False)


def _traced(
    words: list[str], output: Path, seconds: float | None, allocations: bool, options: Options, quiet: bool
) -> int:
    from fixpickle.cli.settling import refuse
    from fixpickle.trace.record import to_json
    from fixpickle.trace.run import Program, command_of, needs_python, unrecorded
    from fixpickle.trace.run import trace as run
    from fixpickle.trace.summary import summary

    interpreter = _interpreter(options) if needs_python(words) else Path()
    if isinstance(interpreter, Refusal):
        return refuse(interpreter)
    command = command_of(words, interpreter)
    if not os.access(output.absolute().parent, os.W_OK):
        complain(f"{output}: the record cannot be written there")
        return 2
    record = run(Program(command, seconds, allocations))
    if isinstance(record, Refusal):
        return refuse(record)
    output.write_text(to_json(record), encoding="utf-8")
    if option := unrecorded(command):
        complain(f"python {option} keeps the recorder out: of that process nothing is recorded, of its children maybe")
    elif not record.processes:
        complain("nothing was recorded: the program started no Python, or one with -I, -E or -S")
    if not quiet:
        put(sys.stderr, summary(record, Path.cwd()))
        put(sys.stderr, f"the record is {output}{_next(output) if record.failures else ''}\n")
    return record.exit


def _interpreter(options: Options) -> Path | Refusal:
    from fixpickle.registry import load_rules
    from fixpickle.settings import load

    settings = load((Path.cwd(),), options, [rule.name for rule in load_rules()])
    return settings if isinstance(settings, Refusal) else settings.python


def _next(output: Path) -> str:
    return f"; `fixpickle apply --from-trace {output}` fixes what it holds"
