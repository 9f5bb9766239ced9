"""`fixpickle baseline create` and `fixpickle baseline prune`."""

from __future__ import annotations

import typer

from fixpickle.cli.declared import with_settings
from fixpickle.cli.options import Paths, Verbose, finish, located
from fixpickle.settings import Options, Stage

app = typer.Typer(
    help="Findings that are known and wait, in a file that is kept with the code.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
@with_settings(lambda setting: setting.stage is Stage.FIND)
def create(*, paths: Paths = None, options: Options, verbose: Verbose = False) -> None:
    """Write every finding of today to the baseline. The file is `fixpickle-baseline.json` unless told otherwise."""

    def work() -> int:
        from fixpickle.cli.adoption import create_baseline

        return create_baseline(located(paths), options)

    finish(work, verbose)


@app.command()
@with_settings(lambda setting: setting.key == "baseline")
def prune(*, paths: Paths = None, options: Options, verbose: Verbose = False) -> None:
    """Take the entries out of the baseline that no finding has any more. It grows by `create` alone."""

    def work() -> int:
        from fixpickle.cli.adoption import prune_baseline

        return prune_baseline(located(paths), options)

    finish(work, verbose)
