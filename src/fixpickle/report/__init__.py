"""RunReport -> text: for people, for programs, and as a patch. One file for each format."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fixpickle.model import Finding, Fixed, Format, Left, RunReport, Span, TakenBack

T = TypeVar("T", Fixed, TakenBack, Left)


@dataclass(frozen=True, slots=True)
class View:
    """What a reader asked for: colour, the folder that paths are shown from, and only what is left to do.

    `found` says that nothing was to be fixed: the report is a list of findings. `command` is what was run, in words
    that run it again. `texts` are the files in which something is left, for formats that show code.
    """

    base: Path
    color: bool = False
    quiet: bool = False
    found: bool = False
    command: str = ""
    texts: Mapping[Path, str] = field(default_factory=dict)


def render(form: Format, report: RunReport, view: View) -> str:
    """The report in that format, whole, ending in a newline."""
    text: str = importlib.import_module(f"fixpickle.report.{form.value}").render(report, view)
    return text


def in_order(items: Iterable[T]) -> list[T]:
    """By path, place and rule: a run comes upon things in rounds, and a reader does not."""
    return sorted(items, key=lambda item: _position(item.finding if isinstance(item, Left) else item.patch.finding))


def _position(finding: Finding) -> tuple[Path, Span, str]:
    return finding.path, finding.span, finding.rule
