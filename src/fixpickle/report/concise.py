"""RunReport -> one line for each finding, as compilers write them."""

from __future__ import annotations

from fixpickle.model import RunReport
from fixpickle.report import View
from fixpickle.report.rows import rows, shown
from fixpickle.report.text import summary


def render(report: RunReport, view: View) -> str:
    """`path:line:column: rule: what it is: what became of it`, and the summary line unless `view` is quiet."""
    lines = []
    for row in rows(report):
        span, told = row.finding.span, " ".join(row.told.split())
        where = f"{shown(row.finding.path, view.base)}:{span}"
        lines.append(f"{where}: {row.finding.rule}: {told}")
    lines += [f"{shown(s.path, view.base)}:{s.line}: skipped: {s.reason}" for s in report.skipped]
    lines += [] if view.quiet else [summary(report, view.found)]
    return "".join(f"{line}\n" for line in lines)
