"""A request in the words that make it again, for those who read its report."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from fixpickle.settings import Options

_OWN = frozenset({"python"})
"""Options that say something about this machine, not about the project."""
_LISTS = frozenset({"select", "ignore"})


def command(verb: str, paths: Sequence[Path], options: Options, here: Path, *more: str) -> str:
    """`fixpickle verb --option value path`, as a shell takes it, from the folder `here`."""
    places = [_shown(path, here) for path in paths]
    return shlex.join(["fixpickle", verb, *_given(options), *more, *places])


def _given(options: Options) -> Iterator[str]:
    for one in fields(options):
        value, name = getattr(options, one.name), one.name.replace("_", "-")
        if value is None or one.name in _OWN:
            continue
        if isinstance(value, bool):
            yield f"--{name}" if value else f"--no-{name}"
        elif isinstance(value, tuple):
            for part in [",".join(value)] if one.name in _LISTS else value:
                yield from (f"--{name}", str(part))
        else:
            yield from (f"--{name}", str(value))


def _shown(path: Path, here: Path) -> str:
    absolute = path.absolute()
    return os.path.relpath(absolute, here) if absolute.is_relative_to(here) else str(path)
