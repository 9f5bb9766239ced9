"""`fixpickle clean`."""

from __future__ import annotations

from fixpickle.cli.declared import with_settings
from fixpickle.cli.entry import alone
from fixpickle.cli.options import Paths, Verbose, finish, located
from fixpickle.settings import Options

CLEAN_EPILOG = """\b
Exit codes:
  0    there is no cache now
  2    it cannot be deleted, or fixpickle did not make it
"""


@with_settings(lambda setting: setting.key == "cache-dir")
def clean(*, paths: Paths = None, options: Options, verbose: Verbose = False) -> None:
    """Delete the cache: what was found out in earlier runs, of all projects. The way back of `undo` stays."""

    def work() -> int:
        from fixpickle.cli.cleaning import clean_cache

        return clean_cache(located(paths), options)

    finish(work, verbose)


app = alone(clean, CLEAN_EPILOG)
