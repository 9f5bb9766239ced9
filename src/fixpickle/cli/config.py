"""`fixpickle config show` and `fixpickle config validate`."""

from __future__ import annotations

import typer

from fixpickle.cli.declared import with_settings
from fixpickle.cli.options import Paths, Verbose, finish, located
from fixpickle.settings import Options, Stage

CONFIG_EPILOG = """\b
Exit codes:
  0    the configuration holds
  2    something in it is wrong
"""

app = typer.Typer(
    help="What the configuration says, and whether it holds.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog=CONFIG_EPILOG)
@with_settings(lambda setting: setting.stage not in (None, Stage.LOAD))
def show(*, paths: Paths = None, options: Options, verbose: Verbose = False) -> None:
    """Print every setting of a run over the paths, as TOML, each with the file and line that it comes from."""

    def work() -> int:
        from fixpickle.cli.configuration import show_configuration

        return show_configuration(located(paths), options)

    finish(work, verbose)


@app.command(epilog=CONFIG_EPILOG)
@with_settings(lambda setting: False)
def validate(*, paths: Paths = None, options: Options, verbose: Verbose = False) -> None:
    """Name everything that is wrong with the configuration of the paths, each with its line."""

    def work() -> int:
        from fixpickle.cli.configuration import validate_configuration

        return validate_configuration(located(paths), options)

    finish(work, verbose)
