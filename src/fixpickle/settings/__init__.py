"""The command line over `[tool.fixpickle]` over the defaults -> Settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixpickle.model import Refusal, Settings
from fixpickle.settings.declared import DECLARED, Setting, Stage, default
from fixpickle.settings.file import File, find, meant, values
from fixpickle.settings.interpreter import asked_for, of_environment

__all__ = ["DECLARED", "Options", "Setting", "Stage", "default", "load"]

Options = Mapping[str, object]
"""What the command line says, by key, as :class:`Settings` has it. What it does not say is not there."""


def load(
    paths: Sequence[Path], options: Options, rules: Collection[str], environ: Mapping[str, str] = os.environ
) -> Settings | Refusal:
    """The settings of a run over `paths`.

    The configuration is the closest `fixpickle.toml`, or `pyproject.toml` with a `[tool.fixpickle]` table, upward from
    what all paths share; its keys are the long option names. `options` wins over it. `rules` are the names that
    `select` and `ignore` may say. `root` is the folder of the configuration, or else of the project.

    Refused, naming file and line where there are any: broken TOML, an unknown key or rule, a value of the wrong type,
    and a Python that cannot be run.
    """
    start = _shared_folder(paths)
    config = find(start)
    if isinstance(config, Refusal):
        return config
    written = values(config)
    if isinstance(written, Refusal):
        return written
    wrong = _unknown_rule(written, config, rules) or _unknown_rule(options, File(), rules)
    if wrong is not None:
        return wrong
    root = config.path.parent if config.path else _project(start)
    python = _python(options, written, root, environ)
    if isinstance(python, Refusal):
        return python
    said: dict[str, Any] = {**_placed(written, root), **_placed(options, Path.cwd()), "python": python}
    return replace(Settings(root, python), **{key.replace("-", "_"): value for key, value in said.items()})


def _placed(said: Mapping[str, object], base: Path) -> dict[str, object]:
    """With the paths that count from the place that says them."""
    path = said.get("baseline")
    return {**said, "baseline": Path(os.path.normpath(base / path))} if isinstance(path, str) else dict(said)


def _python(options: Options, written: Options, root: Path, environ: Mapping[str, str]) -> Path | Refusal:
    for said, base in ((options, Path.cwd()), (written, root)):
        name = said.get("python")
        if isinstance(name, str):
            return asked_for(name, base, environ)
    return of_environment(root, environ)


def _unknown_rule(said: Mapping[str, object], where: File, rules: Collection[str]) -> Refusal | None:
    for key in ("select", "ignore"):
        chosen = said.get(key)
        for name in sorted(chosen) if isinstance(chosen, frozenset) else ():
            if name not in rules:
                return where.refusal(key, f"`{key}`: no rule is named `{name}`{meant(name, rules)}")
    return None


def _shared_folder(paths: Sequence[Path]) -> Path:
    absolute = [os.path.normpath(path.absolute()) for path in paths] or [str(Path.cwd())]
    try:
        shared = Path(os.path.commonpath(absolute))
    except ValueError:  # two drives share nothing
        shared = Path(absolute[0])
    return shared if shared.is_dir() else shared.parent


def _project(start: Path) -> Path:
    """The closest folder that looks like the top of a project, or `start` itself."""
    marks = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg")
    return next((f for f in (start, *start.parents) if any((f / mark).exists() for mark in marks)), start)
