"""RunReport -> SARIF 2.1.0, with the fixes. Source: OASIS, "Static Analysis Results Interchange Format", 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from fixpickle import __version__
from fixpickle.model import Edit, Patch, RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, State, rows, shown

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    State.PROVED: "note",
    State.UNPROVED: "warning",
    State.TAKEN_BACK: "error",
    State.LEFT: "warning",
    State.FOUND: "warning",
}

Json = dict[str, object]


def render(report: RunReport, view: View) -> str:
    """The log as one JSON document. URIs are relative to `SRCROOT`, which is `view.base`.

    A result has a `fix` where its fix was kept and nothing else had changed its files before: the regions then count in
    the files as they were read.
    """
    found = rows(report)
    names = sorted({row.finding.rule for row in found})
    driver = {
        "name": "fixpickle",
        "version": __version__,
        "rules": [{"id": name, "help": {"text": f"fixpickle explain {name}"}} for name in names],
    }
    skipped = [
        {
            "level": "error",
            "message": {"text": one.reason},
            "locations": [_location(shown(one.path, view.base), {"startLine": max(one.line, 1)})],
        }
        for one in report.skipped
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": view.base.as_uri().rstrip("/") + "/"}},
        "invocations": [{"executionSuccessful": not skipped, "toolExecutionNotifications": skipped}],
        "results": [_result(row, names.index(row.finding.rule), view) for row in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(row: Row, rule: int, view: View) -> Json:
    finding = row.finding
    region: Json = {
        "startLine": finding.span.line,
        "startColumn": finding.span.column,
    }
    if not finding.span.cell:  # offsets in the text of a notebook's cells are none in its file
        region |= {"charOffset": finding.span.start, "charLength": finding.span.end - finding.span.start}
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": _LEVELS[row.state],
        "message": {"text": row.told},
        "locations": [_location(shown(finding.path, view.base), region)],
        "partialFingerprints": {"fixpickle/v1": finding.fingerprint},
        "properties": {"state": row.state.value, "reach": list(finding.reach.chain), "notes": list(row.notes)},
    }
    if row.fixed is not None and row.fixed.round == 1 and not finding.span.cell:
        result["fixes"] = [_fix(row.fixed.patch, view)]
    return result


def _location(path: str, region: Json) -> Json:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": region}}


def _artifact(path: str) -> Json:
    return {"uri": quote(path), "uriBaseId": "SRCROOT"}


def _fix(patch: Patch, view: View) -> Json:
    paths = sorted({edit.path for edit in patch.edits})
    changes: list[Json] = [
        {
            "artifactLocation": _artifact(shown(path, view.base)),
            "replacements": _replacements(e for e in patch.edits if e.path == path),
        }
        for path in paths
    ]
    for new in patch.new_files:
        whole = {"deletedRegion": {"charOffset": 0, "charLength": 0}, "insertedContent": {"text": new.text}}
        changes.append({"artifactLocation": _artifact(shown(new.path, view.base)), "replacements": [whole]})
    return {"description": {"text": f"fixpickle {patch.finding.rule}"}, "artifactChanges": changes}


def _replacements(edits: Iterable[Edit]) -> list[Json]:
    return [
        {
            "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
            "insertedContent": {"text": edit.text},
        }
        for edit in sorted(edits)
    ]
