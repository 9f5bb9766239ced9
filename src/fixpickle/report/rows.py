"""A report as one list, for the formats that have a line, a row or a result for each finding."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fixpickle.model import Finding, Fixed, Proved, RunReport, Verdict


class State(str, Enum):
    """What became of a finding."""

    PROVED = "proved"
    UNPROVED = "unproved"
    TAKEN_BACK = "taken back"
    LEFT = "left"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Row:
    """One finding and what became of it. `reason` says why it is left; `fixed` is there where its fix was kept.

    `uncovered` says that there was no such finding before the fixes: its place counts in the files with them.
    """

    state: State
    finding: Finding
    verdict: Verdict | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
    fixed: Fixed | None = None
    uncovered: bool = False

    @property
    def told(self) -> str:
        """What a person reads first: the finding, and in one clause what became of it."""
        return f"{self.finding.message} [{self.finding.reach}]" + (f": {self.outcome}" if self.outcome else "")

    @property
    def outcome(self) -> str:
        """How it was proved, or why it was not, was taken back or is left; empty for what was only found."""
        match self.verdict:
            case Proved(how, _):
                return f"fixed and proved, {how}"
            case None:
                return f"left: {self.reason}" if self.reason else ""
            case other:
                return f"{'taken back' if self.state is State.TAKEN_BACK else 'fixed, not proved'}: {other.reason}"


def rows(report: RunReport) -> list[Row]:
    """Every finding of a report by path and place."""
    found = [
        Row(State.PROVED if isinstance(f.verdict, Proved) else State.UNPROVED, f.patch.finding, f.verdict, "",
            f.patch.notes, f)
        for f in report.fixed
    ]  # fmt: skip
    found += [Row(State.TAKEN_BACK, t.patch.finding, t.verdict, "", t.patch.notes) for t in report.taken_back]
    found += [
        Row(State.LEFT if x.reason else State.FOUND, x.finding, None, x.reason, uncovered=x.first is None)
        for x in report.left
    ]
    return sorted(found, key=lambda row: (row.finding.path, row.finding.span, row.finding.rule))


def shown(path: Path, base: Path) -> str:
    """A path as machine formats write it: POSIX, from `base` where it lies below it."""
    return (os.path.relpath(path, base) if path.is_relative_to(base) else str(path)).replace(os.sep, "/")
