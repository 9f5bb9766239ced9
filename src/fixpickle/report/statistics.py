"""RunReport -> how many findings of each rule came to what."""

from __future__ import annotations

from collections import Counter

from fixpickle.model import RunReport
from fixpickle.report import View
from fixpickle.report.rows import State, rows
from fixpickle.report.text import summary


def render(report: RunReport, view: View) -> str:
    """A table with a line for each rule, those with most findings first, and the summary unless `view` is quiet."""
    counts = Counter((row.finding.rule, row.state) for row in rows(report))
    states = [state for state in State if any(state is one for _, one in counts)]
    totals = Counter(row.finding.rule for row in rows(report))
    names = sorted(totals, key=lambda name: (-totals[name], name))
    width = max(map(len, [*names, "rule"]))
    lines = ["  ".join([f"{'rule':<{width}}", *(state.value for state in states)])] if names else []
    for name in names:
        cells = (f"  {counts[name, state] or '':>{len(state.value)}}" for state in states)
        lines.append((f"{name:<{width}}" + "".join(cells)).rstrip())
    lines += [] if view.quiet else [summary(report, view.found)]
    return "".join(f"{line}\n" for line in lines)
