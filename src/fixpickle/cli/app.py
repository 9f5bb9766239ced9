"""The commands, put together. Imports nothing that takes time until a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from fixpickle import __version__
from fixpickle.cli import baseline, config
from fixpickle.cli.apply import apply
from fixpickle.cli.check import check
from fixpickle.cli.inspect import INSPECT_EPILOG, inspect
from fixpickle.cli.options import EPILOG
from fixpickle.cli.pr import PR_EPILOG, pr
from fixpickle.cli.rules import explain, rules
from fixpickle.cli.terminal import complain, put
from fixpickle.cli.trace import TRACE_EPILOG, trace
from fixpickle.cli.undo import UNDO_EPILOG, undo

app = typer.Typer(
    help="Rewrites Python code that cannot cross a process boundary, and proves each rewrite by pickling the result.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point `fixpickle`. Always ends in SystemExit."""
    try:
        words = list(_spelled_out(sys.argv[1:]))
    except (OSError, UnicodeDecodeError) as error:
        complain(f"a file of arguments cannot be read: {error}")
        raise SystemExit(2) from None
    app(args=words, prog_name="fixpickle")


def _spelled_out(words: Iterable[str]) -> Iterator[str]:
    """With the lines of FILE in place of `@FILE`; a path that is called so is meant itself."""
    for word in words:
        if word.startswith("@") and word != "@" and not Path(word).exists():
            yield from Path(word[1:]).read_text(encoding="utf-8").splitlines()
        else:
            yield word


def _print_version(asked: bool) -> None:
    if asked:
        put(sys.stdout, f"fixpickle {__version__}\n")
        raise typer.Exit(0)


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _root(version: Version = False) -> None:
    """The options that need no command."""


app.command(epilog=EPILOG)(check)
app.command(epilog=EPILOG)(apply)
app.command(epilog=UNDO_EPILOG)(undo)
app.command(epilog=PR_EPILOG)(pr)
app.command(epilog=INSPECT_EPILOG)(inspect)
# What follows the program's name is the program's, options too.
app.command(epilog=TRACE_EPILOG, context_settings={"allow_interspersed_args": False})(trace)
app.command()(rules)
app.command()(explain)
app.add_typer(baseline.app, name="baseline")
app.add_typer(config.app, name="config")
