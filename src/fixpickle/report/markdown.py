"""RunReport -> Markdown: the body of a pull request, or the summary of a workflow step.

GitHub takes 65,536 characters in a body. What does not fit is counted, never cut in the middle.
Source: github.com/orgs/community/discussions/27190 on the limit of bodies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fixpickle.model import Carrier, Proved, Refuted, RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, State, rows, shown
from fixpickle.report.text import summary

LIMIT = 65_000
"""Characters: some are kept for what a person writes above it."""


def render(report: RunReport, view: View) -> str:
    """Counts first, then what a reviewer must look at, then every fix with its proof. Paths count from `view.base`."""
    found = rows(report)
    sections = [
        ["## fixpickle", "", summary(report), "", *_counts(found)],
        _section("Whole objects", (_carrier(c, view) for c in report.carriers)),
        _section("Taken back and left", (_item(r, view) for r in found if r.state in (State.TAKEN_BACK, State.LEFT))),
        _section("Skipped", (f"- `{shown(s.path, view.base)}` {_plain(s.reason)}" for s in report.skipped)),
        _section("Found", (_item(r, view) for r in found if r.state is State.FOUND)),
        _section("Fixed, not proved", (_item(r, view) for r in found if r.state is State.UNPROVED)),
        _section("Fixed and proved", (_item(r, view) for r in found if r.state is State.PROVED)),
    ]
    return "\n".join(_fitting([line for section in sections for line in section])) + "\n"


def _counts(found: Iterable[Row]) -> Iterator[str]:
    counts = Counter((row.finding.rule, row.state) for row in found)
    rules, states = sorted({r for r, _ in counts}), [s for s in State if any(s is t for _, t in counts)]
    if rules:
        yield "| rule | " + " | ".join(s.value for s in states) + " |"
        yield "|---|" + "---:|" * len(states)
    for rule in rules:
        yield f"| {rule} | " + " | ".join(str(counts[rule, s] or "") for s in states) + " |"


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = list(items)
    return ["", f"### {title}", "", *lines] if lines else []


def _item(row: Row, view: View) -> str:
    finding = row.finding
    where = f"`{shown(finding.path, view.base)}:{finding.span.line}`"
    details = [f"**{finding.rule}** {where}: {_plain(finding.message)}", f"why: {_plain(str(finding.reach))}"]
    details += [_plain(row.outcome)] if row.outcome else []
    before = row.verdict.before if row.verdict is not None else ""
    details += [f"before: `{before.replace('`', chr(39))}`"] if before else []
    details += [f"note: {_plain(note)}" for note in row.notes]
    return "- " + "<br>".join(details)


def _carrier(carrier: Carrier, view: View) -> str:
    name = f"`{carrier.subject.module}.{carrier.subject.cls}`"
    needed = ", ".join(sorted({f"{f.rule} at `{shown(f.path, view.base)}:{f.span.line}`" for f in carrier.fixes}))
    match carrier.verdict:
        case Proved(how, _):
            return f"- {name} crosses now ({_plain(how)}): {needed}"
        case Refuted(reason, _):
            return f"- {name} does not cross yet: {_plain(reason)}<br>fixed so far: {needed}"
        case other:
            return f"- {name} was not tried: {_plain(other.reason)}<br>fixed: {needed}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return " ".join(text.split())


def _fitting(lines: list[str]) -> Iterator[str]:
    room = LIMIT
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            items = sum(rest.startswith("- ") for rest in lines[number:])
            yield f"\n{items} more entries did not fit; `--output json=FILE` has them all."
            return
        yield line
