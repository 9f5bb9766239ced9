"""RunReport -> JSON, for programs. The shape is a promise: `schema` changes whenever a key goes or changes meaning."""

from __future__ import annotations

import json
from pathlib import Path

from fixpickle.model import Carrier, Finding, Patch, Proved, Refusal, Refuted, RunReport, Unproved, Verdict, below
from fixpickle.report import View, in_order

SCHEMA = 1


def render(report: RunReport, view: View) -> str:
    """The report as one JSON document in ASCII, ending in a newline."""
    return json.dumps(as_dict(report), indent=2) + "\n"


def as_dict(report: RunReport) -> dict[str, object]:
    """The report in plain values. Paths are POSIX and count from `root` where they lie below it.

    Lists are in the order of path, position and rule, whatever order the run came upon them.
    """
    root = report.root
    skipped = sorted(report.skipped, key=lambda one: (one.path, one.line, one.reason))
    changes = sorted(report.changes, key=lambda one: one.path)
    return {
        "schema": SCHEMA,
        "root": root.as_posix(),
        "python": report.python,
        "files": report.files,
        "seconds": round(report.seconds, 3),
        "written": report.written,
        "clean": report.clean,
        "fixed": [_patch(one.patch, one.verdict, root) for one in in_order(report.fixed)],
        "taken_back": [_patch(one.patch, one.verdict, root) for one in in_order(report.taken_back)],
        "left": [{**_finding(one.finding, root), "reason": one.reason} for one in in_order(report.left)],
        "skipped": [_refusal(one, root) for one in skipped],
        "suppressed": [{**_finding(one.finding, root), "reason": one.reason} for one in report.suppressed],
        "stale": list(report.stale),
        "carriers": [_carrier(one, root) for one in report.carriers],
        "changes": [{"path": below(one.path, root), "new": one.old is None} for one in changes],
    }


def _patch(patch: Patch, verdict: Verdict, root: Path) -> dict[str, object]:
    return {
        **_finding(patch.finding, root),
        "files": sorted(below(path, root) for path in patch.paths),
        "notes": list(patch.notes),
        "verdict": _verdict(verdict),
    }


def _carrier(carrier: Carrier, root: Path) -> dict[str, object]:
    return {
        "module": carrier.subject.module,
        "class": carrier.subject.cls,
        "fixes": [{"rule": f.rule, "path": below(f.path, root), "line": f.span.line} for f in carrier.fixes],
        "verdict": _verdict(carrier.verdict),
    }


def _finding(finding: Finding, root: Path) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "path": below(finding.path, root),
        "line": finding.span.line,
        "column": finding.span.column,
        **({"cell": finding.span.cell, "cell_line": finding.span.row} if finding.span.cell else {}),
        "message": finding.message,
        "safety": finding.safety.value,
        "fixable": finding.fixable,
        "fingerprint": finding.fingerprint,
        "reach": {
            "evidence": finding.reach.evidence.value,
            "chain": list(finding.reach.chain),
            "pickler": finding.reach.pickler,
        },
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    match verdict:
        case Proved(how, before, unexercised):
            return {"kind": "proved", "how": how, "before": before, "unexercised": unexercised}
        case Unproved(reason, before):
            return {"kind": "unproved", "reason": reason, "before": before}
        case Refuted(reason, before):
            return {"kind": "refuted", "reason": reason, "before": before}


def _refusal(refusal: Refusal, root: Path) -> dict[str, object]:
    return {
        "path": below(refusal.path, root),
        "line": refusal.line,
        "rule": refusal.rule,
        "reason": refusal.reason,
    }
