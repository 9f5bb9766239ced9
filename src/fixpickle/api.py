"""What may be imported from fixpickle by programs that use it: this module, `fixpickle.model`, and for the authors of
rules `fixpickle.rule`, `fixpickle.rewrite` and `fixpickle.testing`. Everything else may change without notice.

User code runs only in children of `fix`, as under `fixpickle apply`; `check` runs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from fixpickle.baseline import read_baseline
from fixpickle.engine import Ports, run
from fixpickle.model import Format, Refusal, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.report import View
from fixpickle.report import render as _render
from fixpickle.rewrite.style import tidy
from fixpickle.settings import given, load
from fixpickle.shelf import Changed
from fixpickle.verify import Prover

__all__ = ["Changed", "ConfigurationError", "RunReport", "check", "fix", "render"]


class ConfigurationError(ValueError):
    """The configuration, or what was given in its place, is wrong. `args` is one sentence that names the place."""


def check(
    paths: Iterable[str | Path],
    settings: Mapping[str, object] | None = None,
    held: Mapping[str | Path, bytes] | None = None,
) -> RunReport:
    """What cannot be pickled in the files at and below `paths`, as `fixpickle check` finds it.

    `settings` are keys of the configuration with values as TOML has them; they win over the configuration file. `held`
    are bytes that are read in place of what is in a file, or of a file that is not there. Raises
    ConfigurationError, and Changed where a file that has findings is changed meanwhile.
    """
    return _run(paths, settings or {}, held or {}, fixing=False)


def fix(
    paths: Iterable[str | Path],
    settings: Mapping[str, object] | None = None,
    held: Mapping[str | Path, bytes] | None = None,
) -> RunReport:
    """The same with every fix made and proved. Writes nothing: `changes` of the report has the texts, old and new."""
    return _run(paths, settings or {}, held or {}, fixing=True)


def render(report: RunReport, form: str = "text", base: str | Path | None = None) -> str:
    """A report in one of the formats of `--output-format`; paths count from `base`, or the working directory.

    Raises ValueError where there is no such format.
    """
    return _render(Format(form), report, View(Path(base) if base is not None else Path.cwd()))


def _run(
    paths: Iterable[str | Path], settings: Mapping[str, object], held: Mapping[str | Path, bytes], *, fixing: bool
) -> RunReport:
    texts = {Path(path).absolute(): data for path, data in held.items()}
    places, rules = [*map(Path, paths), *texts], load_rules()
    options = given(settings, [rule.name for rule in rules])
    loaded = options if isinstance(options, Refusal) else load(places, options, [rule.name for rule in rules])
    loaded = _with_baseline(loaded) if isinstance(loaded, Settings) else loaded
    if isinstance(loaded, Refusal):
        line = f":{loaded.line}" if loaded.line else ""
        raise ConfigurationError(f"{loaded.path}{line}: {loaded.reason}")
    with Prover() as prover:
        ports = Ports(prover.prove, prover.examine, tidy, lambda _what, _done, _of: None)
        return run(places, loaded, rules, ports, fix=fixing, held=texts)


def _with_baseline(settings: Settings) -> Settings | Refusal:
    known = read_baseline(settings.baseline, settings.root) if settings.baseline else ()
    return known if isinstance(known, Refusal) else replace(settings, known=known)
