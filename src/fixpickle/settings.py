"""The command line over `[tool.fixpickle]` over the defaults -> Settings."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from fixpickle.boundaries import Wrong, entries
from fixpickle.model import BoundaryEntry, Evidence, Refusal, Settings, Strategy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

RUNTIMES = ("vendor", "package")
"""Copy what rewritten code needs beside it, or import it from the installed fixpickle."""

_REACHES = tuple(evidence.value for evidence in Evidence)
_STRATEGIES = tuple(strategy.value for strategy in Strategy)

_KEYS = {
    "select": "a list of rule names",
    "ignore": "a list of rule names",
    "exclude": "a list of patterns",
    "reach": "one of " + ", ".join(_REACHES),
    "runtime": "one of " + ", ".join(RUNTIMES),
    "strategy": "one of " + ", ".join(_STRATEGIES),
    "unsafe-fixes": "true or false",
    "verify": "true or false",
    "python": "the path of an interpreter",
    "factories": "a table of class = factory, both strings",
    "boundaries": "tables, each a call that pickles its arguments",
    "quiet": "a list of names of calls",
    "baseline": "the path of a baseline file",
    "time-limit": "a number of seconds above 0",
    "memory-limit": "a whole number of megabytes above 0",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """What one place, the command line or a configuration file, says; None where it says nothing."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    reach: str | None = None
    runtime: str | None = None
    strategy: str | None = None
    unsafe_fixes: bool | None = None
    verify: bool | None = None
    python: str | None = None
    baseline: str | None = None
    factories: Mapping[str, str] | None = None
    boundaries: tuple[BoundaryEntry, ...] | None = None
    quiet: tuple[str, ...] | None = None
    time_limit: float | None = None
    memory_limit: int | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A configuration file's own table, and where to find things in it. Without one, `path` is None."""

    path: Path | None = None
    table: Mapping[str, object] = field(default_factory=dict)
    text: str = ""

    def refusal(self, key: str, reason: str) -> Refusal:
        """Blames the line that sets `key`, where there is one."""
        start = max(self.text.find("[tool.fixpickle"), 0)
        name = rf"[\"']?{re.escape(key)}[\"']?"
        match = re.compile(rf"^\s*(\[(tool\.fixpickle\.)?{name}\]|{name}\s*[=.])", re.MULTILINE).search(
            self.text, start
        )
        line = self.text.count("\n", 0, match.end()) + 1 if match else 0
        return Refusal(self.path or Path("command line"), reason, line)

    def refusal_in(self, wrong: Wrong) -> Refusal:
        """Blames the line of a key in one of the tables of boundaries, or else the head of that table."""
        heads = list(re.finditer(r"^\s*\[\[(tool\.fixpickle\.)?boundaries\]\]", self.text, re.MULTILINE))
        if wrong.table >= len(heads):
            return self.refusal("boundaries", wrong.reason)
        start = heads[wrong.table].end()
        end = heads[wrong.table + 1].start() if wrong.table + 1 < len(heads) else len(self.text)
        name = rf"[\"']?{re.escape(wrong.key)}[\"']?"
        key = re.compile(rf"^\s*(\[[\w.]*\.)?{name}\s*[=.\]]", re.MULTILINE) if wrong.key else None
        match = key.search(self.text, start, end) if key else None
        return Refusal(self.path or Path(), wrong.reason, self.text.count("\n", 0, match.end() if match else start) + 1)


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
    config = _find(start)
    if isinstance(config, Refusal):
        return config
    written = _options(config)
    if isinstance(written, Refusal):
        return written
    for source, where in ((written, config), (options, _File())):
        wrong = _unknown_rule(source, where, rules)
        if wrong is not None:
            return wrong
    root = config.path.parent if config.path else _project(start)
    python = _python(options.python, written.python, root, environ)
    return python if isinstance(python, Refusal) else _settings(root, python, options, written)


def _settings(root: Path, python: Path, options: Options, written: Options) -> Settings:
    defaults = Settings(root, python)
    select = _first(options.select, written.select, ())
    return Settings(
        root=root,
        python=python,
        select=frozenset(select),
        ignore=frozenset(_first(options.ignore, written.ignore, ())),
        exclude=_first(options.exclude, written.exclude, defaults.exclude),
        reach=Evidence(_first(options.reach, written.reach, defaults.reach.value)),
        runtime=_first(options.runtime, written.runtime, defaults.runtime),
        strategy=Strategy(_first(options.strategy, written.strategy, defaults.strategy.value)),
        unsafe_fixes=_first(options.unsafe_fixes, written.unsafe_fixes, defaults.unsafe_fixes),
        verify=_first(options.verify, written.verify, defaults.verify),
        baseline=_placed(options.baseline, Path.cwd()) or _placed(written.baseline, root),
        factories=_first(options.factories, written.factories, defaults.factories),
        boundaries=_first(options.boundaries, written.boundaries, defaults.boundaries),
        quiet=frozenset(_first(options.quiet, written.quiet, ())),
        time_limit=_first(options.time_limit, written.time_limit, defaults.time_limit),
        memory_limit=_first(options.memory_limit, written.memory_limit, defaults.memory_limit),
    )


def _first(given: T | None, written: T | None, default: T) -> T:
    if given is not None:
        return given
    return default if written is None else written


def _placed(path: str | None, base: Path) -> Path | None:
    return Path(os.path.normpath(base / path)) if path else None


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


# --- the configuration file ---------------------------------------------------------------------------------------


def _find(start: Path) -> _File | Refusal:
    for folder in (start, *start.parents):
        for name in ("fixpickle.toml", "pyproject.toml"):
            path = folder / name
            if not path.is_file():
                continue
            found = _parse(path)
            if found is not None:
                return found
    return _File()


def _parse(path: Path) -> _File | Refusal | None:
    """The table of one file; None for a `pyproject.toml` that is not about us, broken or not."""
    ours = path.name == "fixpickle.toml"
    try:
        data = path.read_bytes()
        if not ours and b"fixpickle" not in data:
            return None
        text = data.decode("utf-8")
        document: Mapping[str, object] = tomllib.loads(text)
    except OSError as error:
        return Refusal(path, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Refusal(path, f"not valid utf-8: {error.reason}", data.count(b"\n", 0, error.start) + 1)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        at_end = text.count("\n") + 1
        return Refusal(path, f"not valid TOML: {error}", int(line[1]) if line else at_end)
    if ours:
        return _File(path, document, text)
    tools = document.get("tool")
    table = tools.get("fixpickle") if isinstance(tools, Mapping) else None
    if table is None:
        return None
    return _File(path, table, text) if isinstance(table, Mapping) else Refusal(path, "tool.fixpickle must be a table")


def _options(file: _File) -> Options | Refusal:
    table = file.table
    for key in table:
        if key not in _KEYS:
            return file.refusal(key, f"unknown key `{key}`{_meant(key, _KEYS)}")
    boundaries = entries(table["boundaries"]) if "boundaries" in table else None
    if isinstance(boundaries, Wrong):
        return file.refusal_in(boundaries)
    options = Options(
        select=_strings(table.get("select")),
        ignore=_strings(table.get("ignore")),
        exclude=_strings(table.get("exclude")),
        reach=_choice(table.get("reach"), _REACHES),
        runtime=_choice(table.get("runtime"), RUNTIMES),
        strategy=_choice(table.get("strategy"), _STRATEGIES),
        unsafe_fixes=_truth(table.get("unsafe-fixes")),
        verify=_truth(table.get("verify")),
        python=_string(table.get("python")),
        baseline=_string(table.get("baseline")),
        factories=_pairs(table.get("factories")),
        boundaries=boundaries,
        quiet=_strings(table.get("quiet")),
        time_limit=_number(table.get("time-limit")),
        memory_limit=_whole(table.get("memory-limit")),
    )
    for key in table:
        if getattr(options, key.replace("-", "_")) is None:
            return file.refusal(key, f"`{key}` must be {_KEYS[key]}")
    return options


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _choice(value: object, choices: Sequence[str]) -> str | None:
    return value if isinstance(value, str) and value in choices else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    # TOML has inf and nan. A limit that never ends is no limit, and nan is refused by the comparison.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _pairs(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        return None
    return dict(value)


def _unknown_rule(options: Options, where: _File, rules: Collection[str]) -> Refusal | None:
    for key, chosen in (("select", options.select), ("ignore", options.ignore)):
        for name in chosen or ():
            if name not in rules:
                return where.refusal(key, f"`{key}`: no rule is named `{name}`{_meant(name, rules)}")
    return None


def _meant(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word.lower().replace("_", "-"), list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


# --- the interpreter ----------------------------------------------------------------------------------------------


def _python(given: str | None, written: str | None, root: Path, environ: Mapping[str, str]) -> Path | Refusal:
    """The interpreter that imports the user's code: as asked, else of the active or the project's environment.

    Links are kept: in a virtual environment the link's own place is what makes it that environment.
    """
    if given is not None:
        return _runnable(given, Path.cwd(), environ)
    if written is not None:
        return _runnable(written, root, environ)
    active = environ.get("VIRTUAL_ENV")
    folders = [Path(active)] if active else []
    folders += [above / name for above in (root, *root.parents) for name in (".venv", "venv")]
    return next((python for python in map(_in_environment, folders) if _executable(python)), Path(sys.executable))


def _runnable(name: str, base: Path, environ: Mapping[str, str]) -> Path | Refusal:
    bare = os.sep not in name and "/" not in name
    on_path = shutil.which(name, path=environ.get("PATH")) if bare else None
    path = Path(on_path) if on_path else Path(os.path.normpath(base / Path(name).expanduser()))
    path = _in_environment(path) if path.is_dir() else path
    return path if _executable(path) else Refusal(path, "not a Python that can be run")


def _in_environment(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
