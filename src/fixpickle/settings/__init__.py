"""The command line over `[tool.fixpickle]` over the defaults -> Settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fixpickle.model import Refusal, Settings
from fixpickle.settings.declared import DECLARED, KEYS, Setting, Stage, default
from fixpickle.settings.file import OWN_NAMES, Place
from fixpickle.settings.interpreter import asked_for, of_environment, release_of
from fixpickle.settings.layers import ALL, Options, Said, chain, joined, layers, meant, merged, problems

__all__ = [
    "ALL",
    "DECLARED",
    "OWN_NAMES",
    "Loaded",
    "Options",
    "Place",
    "Said",
    "Setting",
    "Stage",
    "default",
    "given",
    "load",
    "meant",
    "resolve",
    "wrongs",
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where they come from: what was said of each key, and the configuration files, base first."""

    settings: Settings
    said: Mapping[str, Said]
    files: tuple[Path, ...]


def load(
    paths: Sequence[Path], options: Options, rules: Collection[str], environ: Mapping[str, str] = os.environ
) -> Settings | Refusal:
    """The settings of a run over `paths`.

    The configuration is the closest `.fixpickle.toml`, `fixpickle.toml`, or `pyproject.toml` with a `[tool.fixpickle]`
    table, upward from what all paths share; its keys are the long option names. Over it come `FIXPICKLE_OUTPUT_FORMAT`,
    the `KEY = VALUE` of `options`, and its values. `rules` are the names that `select` and `ignore` may say. `root` is
    the folder of the configuration that was found, or else of the project.

    Refused, naming file and line where there are any: broken TOML, an unknown key or rule, a value of the wrong type,
    and a Python that cannot be run.
    """
    found = resolve(paths, options, rules, environ)
    return found if isinstance(found, Refusal) else found.settings


def resolve(
    paths: Sequence[Path], options: Options, rules: Collection[str], environ: Mapping[str, str] = os.environ
) -> Loaded | Refusal:
    """As :func:`load`, with where each value comes from."""
    start = _shared_folder(paths)
    places = chain(start, options, environ)
    if isinstance(places, Refusal):
        return places
    spoken = layers(places.places, options, rules)
    if isinstance(spoken, Refusal):
        return spoken
    said = merged(spoken)
    root = places.found.base if places.found else _project(start)
    python = _python(said, root, environ)
    if isinstance(python, Refusal):
        return python
    files = tuple(place.path for place in places.places if place.text)
    return Loaded(_settings(Settings(root, python, release=release_of(python)), said, rules), said, files)


def wrongs(
    paths: Sequence[Path], options: Options, rules: Collection[str], environ: Mapping[str, str] = os.environ
) -> tuple[Refusal, ...]:
    """Everything that is wrong with the configuration of `paths`."""
    places = chain(_shared_folder(paths), options, environ)
    if isinstance(places, Refusal):
        return (places,)
    found = tuple(wrong for place in places.places for wrong in problems(place, rules))
    whole = None if found else resolve(paths, options, rules, environ)
    return (whole,) if isinstance(whole, Refusal) else found


def given(table: Mapping[str, object], rules: Collection[str]) -> Options | Refusal:
    """What a program says, by key with values as TOML has them, as if it stood on the command line."""
    place = Place(Path("settings"), Path.cwd(), table)
    wrong = next(problems(place, rules), None)
    return wrong or Options({key: KEYS[key].kind.read(value) for key, value in table.items()})


def _settings(defaults: Settings, said: Mapping[str, Said], rules: Collection[str]) -> Settings:
    kept = [setting for setting in DECLARED if setting.field and setting.key in said and setting.key != "python"]
    values: dict[str, Any] = {one.field: said[one.key].value for one in kept if not one.adds_to}
    for one in kept:
        if one.adds_to:
            # Nothing selected stands for every rule: there is nothing to add to it.
            old = values.get(one.field, getattr(defaults, one.field))
            values[one.field] = old if one.adds_to == "select" and not old else joined(old, said[one.key].value)
    for key in ("select", "fixable"):
        if ALL in values.get(key, ()):
            values[key] = frozenset[str]()
    for key in ("ignore", "unfixable"):
        values[key] = _every(values.get(key, getattr(defaults, key)), rules)
    ignores = values.get("per_file_ignores", defaults.per_file_ignores)
    values["per_file_ignores"] = {pattern: _every(names, rules) for pattern, names in ignores.items()}
    return replace(defaults, **values)


def _every(names: frozenset[str], rules: Collection[str]) -> frozenset[str]:
    return frozenset(rules) if ALL in names else names


def _python(said: Mapping[str, Said], root: Path, environ: Mapping[str, str]) -> Path | Refusal:
    asked = said.get("python")
    match asked.value if asked else None:
        case (str(name), Path() as base):
            return asked_for(name, base, environ)
    return of_environment(root, environ)


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
