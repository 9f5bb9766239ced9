"""RunReport -> GitLab's Code Quality report. Source: docs.gitlab.com, "Code Quality report format"."""

from __future__ import annotations

import json

from fixpickle.model import RunReport
from fixpickle.report import View
from fixpickle.report.rows import State, rows, shown

_SEVERITIES = {
    State.PROVED: "info",
    State.UNPROVED: "minor",
    State.TAKEN_BACK: "critical",
    State.LEFT: "major",
    State.FOUND: "major",
}


def render(report: RunReport, view: View) -> str:
    """A JSON array, one object for each finding and each skipped file. Paths count from `view.base`."""
    issues: list[dict[str, object]] = [
        {
            "description": row.told,
            "check_name": f"fixpickle {row.finding.rule}",
            "fingerprint": row.finding.fingerprint,
            "severity": _SEVERITIES[row.state],
            "location": {"path": shown(row.finding.path, view.base), "lines": {"begin": row.finding.span.line}},
        }
        for row in rows(report)
    ]
    for one in report.skipped:
        path = shown(one.path, view.base)
        issues.append(
            {
                "description": one.reason,
                "check_name": "fixpickle skipped",
                "fingerprint": f"skipped:{path}",
                "severity": "critical",
                "location": {"path": path, "lines": {"begin": max(one.line, 1)}},
            }
        )
    return json.dumps(issues, indent=2) + "\n"
