"""What the `baseline` commands do: one run that finds, and one file that is written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fixpickle.baseline import baseline_text, read_baseline
from fixpickle.cli.settling import refuse
from fixpickle.cli.terminal import clear, progress, put
from fixpickle.engine import Ports, run
from fixpickle.model import Finding, Refusal, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.settings import Options, load
from fixpickle.verify import examine, prove

NAME = "fixpickle-baseline.json"


def create_baseline(paths: Sequence[Path], options: Options) -> int:
    """Writes every finding to the baseline; 0, or 2 where a run cannot start."""
    settings = _settings(paths, options)
    if isinstance(settings, Refusal):
        return refuse(settings)
    return _write(settings, _found(paths, settings), "written")


def prune_baseline(paths: Sequence[Path], options: Options) -> int:
    """Leaves in the baseline what is still found; 0, or 2 where a run cannot start or there is no baseline."""
    settings = _settings(paths, options)
    if isinstance(settings, Refusal):
        return refuse(settings)
    known = read_baseline(_file(settings), settings.root)
    if isinstance(known, Refusal):
        return refuse(known)
    marks = {entry.fingerprint for entry in known}
    found = [f for f in _found(paths, settings) if f.fingerprint in marks]
    return _write(settings, found, f"kept, {len(known) - len(found)} taken out")


def _settings(paths: Sequence[Path], options: Options) -> Settings | Refusal:
    return load(paths, options, [rule.name for rule in load_rules()])


def _file(settings: Settings) -> Path:
    return settings.baseline or settings.root / NAME


def _found(paths: Sequence[Path], settings: Settings) -> list[Finding]:
    show = progress(sys.stderr, quiet=False)
    ports = Ports(prove=prove, examine=examine, tidy=tidy, progress=show)
    report = run(paths, replace(settings, known=()), load_rules(), ports, fix=False)
    clear(sys.stderr, quiet=False)
    return [left.finding for left in report.left]


def _write(settings: Settings, findings: Sequence[Finding], done: str) -> int:
    path = _file(settings)
    try:
        path.write_text(baseline_text(findings, settings.root), encoding="utf-8", newline="\n")
    except OSError as error:
        return refuse(Refusal(path, f"the baseline cannot be written: {error.strerror}"))
    count = f"{len(findings)} finding" + ("" if len(findings) == 1 else "s")
    put(sys.stdout, f"{path}: {count} {done}\n")
    if settings.baseline is None:
        put(sys.stdout, f'to use it: `--baseline {NAME}`, or `baseline = "{NAME}"` in the configuration\n')
    return 0
