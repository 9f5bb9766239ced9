"""What the `config` commands do: they read the configuration and say what it says. Imports the rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

from fixpickle.cli.command import shown
from fixpickle.cli.settling import refuse
from fixpickle.cli.terminal import put
from fixpickle.model import Refusal, Settings
from fixpickle.registry import load_rules
from fixpickle.settings import DECLARED, Loaded, Options, Place, Setting, default, resolve, wrongs


def show_configuration(paths: Sequence[Path], options: Options) -> int:
    """Prints every setting as TOML, with where it comes from; 0, or 2 where the configuration is wrong."""
    loaded = resolve(paths, options, _rules())
    if isinstance(loaded, Refusal):
        return refuse(loaded)
    files = [shown(path, Path.cwd()) for path in loaded.files] or ["no configuration file"]
    lines = [
        f"# {shown(loaded.settings.root, Path.cwd())}: {', '.join(files)}",
        *(_line(one, loaded) for one in DECLARED),
    ]
    put(sys.stdout, "".join(f"{line}\n" for line in lines))
    return 0


def validate_configuration(paths: Sequence[Path], options: Options) -> int:
    """Says what is wrong, in a line for each; 0 where nothing is, or else 2."""
    found = wrongs(paths, options, _rules())
    for wrong in found:
        refuse(wrong)
    if found:
        return 2
    loaded = resolve(paths, options, _rules())
    files = [shown(path, Path.cwd()) for path in loaded.files] if isinstance(loaded, Loaded) else []
    put(sys.stdout, "".join(f"{file}: valid\n" for file in files) or "no configuration file\n")
    return 0


def _rules() -> list[str]:
    return [rule.name for rule in load_rules()]


def _line(setting: Setting, loaded: Loaded) -> str:
    said = loaded.said.get(setting.key)
    if said is not None:
        value = said.value[0] if setting.key == "python" and isinstance(said.value, tuple) else said.value
        return f"{setting.key} = {toml(value)}  # {', '.join(_origin(place, setting.key) for place in said.places)}"
    if setting.key == "python":
        return f"python = {toml(str(loaded.settings.python))}  # found"
    usual = next((getattr(loaded.settings, one.name) for one in fields(Settings) if one.name == setting.name), None)
    if usual or isinstance(usual, int):
        return f"{setting.key} = {toml(usual)}  # default"
    return f"# {setting.key} is not set" + (f": {default(setting)}" if setting.default else "")


def _origin(place: Place, key: str) -> str:
    line = place.line(key)
    return f"{shown(place.path, Path.cwd())}:{line}" if line else str(place.path)


def toml(value: object) -> str:
    """A value of the settings on one line of TOML."""
    if isinstance(value, Enum):
        return toml(value.value)
    if isinstance(value, (bool, int, float)):
        return str(value).lower()
    if isinstance(value, Mapping):
        return _table(value.items())
    if is_dataclass(value):
        own = [(one, getattr(value, one.name)) for one in fields(value)]
        return _table((one.name.replace("_", "-"), held) for one, held in own if held)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Enum):  # FORMAT=FILE
        return toml(f"{value[0].value}={value[1]}")
    if isinstance(value, (tuple, frozenset)):
        return f"[{', '.join(map(toml, sorted(value) if isinstance(value, frozenset) else value))}]"
    return json.dumps(value.as_posix() if isinstance(value, Path) else str(value), ensure_ascii=False)


def _table(items: Iterable[tuple[str, object]]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {toml(value)}" for key, value in items) + " }"
