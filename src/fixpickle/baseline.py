"""The baseline: findings that are known and wait, by fingerprint, in a file that a team keeps with its code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from fixpickle.model import Finding, Known, Refusal, below

SCHEMA = 1


def read_baseline(path: Path, root: Path) -> tuple[Known, ...] | Refusal:
    """The entries of a baseline file, or why it cannot be used. Their paths count from `root`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Refusal(path, f"the baseline cannot be read: {error.strerror}; `fixpickle baseline create` makes one")
    except ValueError as error:
        return Refusal(path, f"the baseline is not JSON: {error}", getattr(error, "lineno", 0))
    entries = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(entries, list) or document.get("schema") != SCHEMA:
        return Refusal(path, f"not a baseline of schema {SCHEMA}; `fixpickle baseline create` makes one")
    try:
        return tuple(Known(str(e["fingerprint"]), root / e["path"], str(e["rule"])) for e in entries)
    except (KeyError, TypeError):
        return Refusal(path, "an entry of the baseline lacks its fingerprint, path or rule")


def baseline_text(findings: Iterable[Finding], root: Path) -> str:
    """A baseline file of these findings, one line for each, in an order that makes small diffs."""
    entries = sorted((below(f.path, root), f.rule, f.message, f.fingerprint) for f in findings)  # no lines: they drift
    keys = ("path", "rule", "message", "fingerprint")
    lines = ",\n".join("    " + json.dumps(dict(zip(keys, entry, strict=True))) for entry in entries)
    body = f"[\n{lines}\n  ]" if lines else "[]"
    return f'{{\n  "schema": {SCHEMA},\n  "findings": {body}\n}}\n'
