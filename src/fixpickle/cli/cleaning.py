"""What `fixpickle clean` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fixpickle.cache.folder import clean, place
from fixpickle.cli.recalling import RuleNames
from fixpickle.cli.settling import refuse
from fixpickle.cli.terminal import put
from fixpickle.model import Refusal
from fixpickle.settings import Options, load


def clean_cache(paths: Sequence[Path], options: Options) -> int:
    """Deletes the cache that a run over the paths would use, and says what it was; gives the exit code."""
    settings = load(paths, options, RuleNames())
    if isinstance(settings, Refusal):
        return refuse(settings)
    path = place(settings.cache_dir)
    gone = clean(path)
    if isinstance(gone, str):
        return refuse(Refusal(path, gone))
    put(sys.stdout, f"{path}: deleted {gone[0]} files, {gone[1] / 1e6:.1f} MB\n" if any(gone) else f"{path}: empty\n")
    return 0
