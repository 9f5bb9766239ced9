"""The commands, put together. Imports nothing that takes time until a command needs it."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fixpickle import __version__
from fixpickle.cli.entry import EPILOG
from fixpickle.cli.terminal import complain, put

COMMANDS = ("check", "apply", "undo", "pr", "inspect", "trace", "rules", "explain", "baseline", "config", "clean")
"""In the order of the help. Each is a module of this package, and its `app`."""


class _Modules(Mapping[str, Any]):
    """The commands by name. A module is imported when its command is called, or all are listed."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        command = typer.main.get_command(importlib.import_module(f"fixpickle.cli.{name}").app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Modules()  # type: ignore[assignment]  # nobody adds to it

    def make_context(self, *given: Any, **named: Any) -> Any:
        with _spoken():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        with _spoken():
            return super().invoke(ctx)


@contextlib.contextmanager
def _spoken() -> Iterator[None]:
    """Says that it was interrupted, also while a command is still imported: click ends without a word."""
    try:
        yield
    except KeyboardInterrupt:
        # CPython keeps in mind that a text under exec was interrupted, as the class of a tuple is when it is made, and
        # dies of SIGINT at its end though that was handled. The next text that is run makes it forget.
        exec("")
        complain("interrupted")
        raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
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
