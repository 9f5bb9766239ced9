"""A request in the words that make it again, for those who read its report."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from fixpickle.settings import Options

_OWN = frozenset({"python", "output-format", "output", "color", "exit-zero", "allow-dirty", "allow-staged"})
"""Options that say something about this machine or this run, not about the project."""


def command(verb: str, paths: Sequence[Path], options: Options, here: Path, *more: str) -> str:
    """`fixpickle verb --option value path`, as a shell takes it, from the folder `here`."""
    places = [shown(path, here) for path in paths]
    return shlex.join(["fixpickle", verb, *_given(options), *more, *places])


def _given(options: Options) -> Iterator[str]:
    for text in options.config:
        yield from ("--config", text)
    if options.isolated:
        yield "--isolated"
    for key, value in options.values.items():
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


def shown(path: Path, here: Path) -> str:
    """A path from the folder `here`, where it lies below it, with `/` on every system."""
    absolute = path.absolute()
    return Path(os.path.relpath(absolute, here) if absolute.is_relative_to(here) else path).as_posix()
