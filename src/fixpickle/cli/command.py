"""A request in the words that make it again, for those who read its report."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from fixpickle.settings import Options

_OWN = frozenset({"python"})
"""Options that say something about this machine, not about the project."""


def command(verb: str, paths: Sequence[Path], options: Options, here: Path, *more: str) -> str:
    """`fixpickle verb --option value path`, as a shell takes it, from the folder `here`."""
    places = [_shown(path, here) for path in paths]
    return shlex.join(["fixpickle", verb, *_given(options), *more, *places])


def _given(options: Options) -> Iterator[str]:
    for key, value in options.items():
        if key in _OWN:
            continue
        if isinstance(value, bool):
            yield f"--{key}" if value else f"--no-{key}"
        elif isinstance(value, frozenset):
            yield from (f"--{key}", ",".join(sorted(value)))
        elif isinstance(value, tuple):
            for part in value:
                yield from (f"--{key}", str(part))
        else:
            yield from (f"--{key}", str(value.value if isinstance(value, Enum) else value))


def _shown(path: Path, here: Path) -> str:
    absolute = path.absolute()
    return os.path.relpath(absolute, here) if absolute.is_relative_to(here) else str(path)
