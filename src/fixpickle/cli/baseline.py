"""`fixpickle baseline create` and `fixpickle baseline prune`."""

from __future__ import annotations

import typer

from fixpickle.cli.options import Baseline as File
from fixpickle.cli.options import Exclude, Ignore, Paths, Reach, Select, Verbose, finish, given, listed, located
from fixpickle.settings import Options

app = typer.Typer(
    help="Findings that are known and wait, in a file that is kept with the code.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def create(
    paths: Paths = None,
    baseline: File = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    reach: Reach = None,
    verbose: Verbose = False,
) -> None:
    """Write every finding of today to the baseline. The file is `fixpickle-baseline.json` unless told otherwise."""
    options = _options(baseline, select, ignore, exclude, reach.value if reach else None)

    def work() -> int:
        from fixpickle.cli.adoption import create_baseline

        return create_baseline(located(paths), options)

    finish(work, verbose)


@app.command()
def prune(paths: Paths = None, baseline: File = None, verbose: Verbose = False) -> None:
    """Take the entries out of the baseline that no finding has any more. It grows by `create` alone."""
    options = _options(baseline, None, None, None, None)

    def work() -> int:
        from fixpickle.cli.adoption import prune_baseline

        return prune_baseline(located(paths), options)

    finish(work, verbose)


def _options(
    baseline: str | None,
    select: list[str] | None,
    ignore: list[str] | None,
    exclude: list[str] | None,
    reach: str | None,
) -> Options:
    chosen = Options(select=listed(select), ignore=listed(ignore), exclude=given(exclude))
    return Options(chosen.select, chosen.ignore, chosen.exclude, reach=reach, baseline=baseline)
