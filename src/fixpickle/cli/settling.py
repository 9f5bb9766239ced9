"""The settings of a run with what the baseline and git say, and how a command says that it cannot start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fixpickle.baseline import read_baseline
from fixpickle.cli.git import changed_since
from fixpickle.cli.terminal import complain
from fixpickle.model import Refusal, Settings


def refuse(refusal: Refusal) -> int:
    """Says on stderr why a command cannot start, and gives its exit code."""
    complain(": ".join(filter(None, [_where(refusal), refusal.reason])))
    return 2


def narrowed(settings: Settings) -> Settings | Refusal:
    """The settings with what the baseline and git say about which findings count."""
    known = read_baseline(settings.baseline, settings.root) if settings.baseline else ()
    if isinstance(known, Refusal):
        return known
    revision = settings.changed_since
    only = changed_since(revision, Path.cwd()) if revision is not None else None
    return only if isinstance(only, Refusal) else replace(settings, known=known, only=only)


def _where(refusal: Refusal) -> str:
    return f"{refusal.path}:{refusal.line}" if refusal.line else str(refusal.path)
