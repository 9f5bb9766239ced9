"""RunReport -> workflow commands that GitHub shows as annotations on the lines of a pull request.

A step may make ten errors, ten warnings and ten notices; further ones are dropped without a word, so the last line says
how many. Source: docs.github.com, "Workflow commands for GitHub Actions", and actions/toolkit issue 457 on the limits.
"""

from __future__ import annotations

from collections import Counter

from fixpickle.model import RunReport
from fixpickle.report import View
from fixpickle.report.rows import State, rows, shown
from fixpickle.report.text import summary

LIMIT = 10
_LEVELS = {
    State.PROVED: "notice",
    State.UNPROVED: "warning",
    State.TAKEN_BACK: "error",
    State.LEFT: "warning",
    State.FOUND: "warning",
}


def render(report: RunReport, view: View) -> str:
    """Annotations within GitHub's limits, and a notice of what was dropped. Paths count from `view.base`."""
    lines: list[str] = []
    made: Counter[str] = Counter()
    for row in rows(report):
        level, span = _LEVELS[row.state], row.finding.span
        made[level] += 1
        if made[level] <= LIMIT:
            where = f"file={_property(shown(row.finding.path, view.base))},line={span.line},col={span.column}"
            lines.append(f"::{level} {where},title={_property(f'fixpickle {row.finding.rule}')}::{_data(row.told)}")
    for one in report.skipped:
        made["error"] += 1
        if made["error"] <= LIMIT:
            where = f"file={_property(shown(one.path, view.base))},line={max(one.line, 1)},title=fixpickle skipped"
            lines.append(f"::error {where}::{_data(one.reason)}")
    dropped = sum(max(count - LIMIT, 0) for count in made.values())
    if dropped:
        said = f"{dropped} annotations were dropped: GitHub shows {LIMIT} of each level in a step"
        # Where there is room for one more, it says so among the others and not only in the log.
        lines.append(f"::notice title=fixpickle::{said}" if made["notice"] < LIMIT else f"fixpickle: {said}")
    lines += [] if view.quiet else [summary(report, view.found)]
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
