"""RunReport -> Markdown: the body of a pull request, or the summary of a workflow step.

GitHub takes 65,536 characters in a body. What does not fit is counted, never cut in the middle.
Source: github.com/orgs/community/discussions/27190 on the limit of bodies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fixpickle.model import Carrier, Proved, Refuted, RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, State, rows, shown
from fixpickle.report.text import summary

LIMIT = 65_000
"""Characters: some are kept for what a person writes above it."""
_SAID = 100  # and some for saying what did not fit
_QUOTED = re.compile("`([^`]+)`")
_ESCAPES = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]|~"} | {mark: f"&#{ord(mark)};" for mark in "<>&@#"})
_ATTENTION = (State.TAKEN_BACK, State.UNPROVED, State.LEFT, State.FOUND, State.PROVED)


@dataclass(frozen=True, slots=True)
class _Section:
    """Items under a head. `foot` closes what `head` opens."""

    head: str
    items: Sequence[str]
    foot: str = ""


def render(report: RunReport, view: View) -> str:
    """Counts first, then a fold for each rule, open where a reviewer must look. Paths count from `view.base`."""
    return document(report, view, ())


def document(report: RunReport, view: View, lead: Sequence[str]) -> str:
    """The same, with lines of Markdown between the counts and the folds."""
    found = rows(report)
    again = [f"To run it again: {_code(view.command)}", ""] if view.command else []
    head = ["## fixpickle", "", summary(report, view.found), "", *_counts(found), "", *again, *lead]
    ordered = sorted(found, key=lambda row: (row.finding.rule, _ATTENTION.index(row.state)))
    sections = [
        _Section("### Whole objects\n", [_carrier(carrier, view) for carrier in report.carriers]),
        *(_fold(rule, list(group), view) for rule, group in groupby(ordered, key=lambda row: row.finding.rule)),
        _Section(
            "### Skipped\n", [f"- {_code(shown(one.path, view.base))} {_plain(one.reason)}" for one in report.skipped]
        ),
    ]
    return "\n".join(_fitting(head, [section for section in sections if section.items])) + "\n"


def _counts(found: Iterable[Row]) -> Iterator[str]:
    counts = Counter((row.finding.rule, row.state) for row in found)
    rules, states = sorted({r for r, _ in counts}), [s for s in State if any(s is t for _, t in counts)]
    if rules:
        yield "| rule | " + " | ".join(s.value for s in states) + " |"
        yield "|---|" + "---:|" * len(states)
    for rule in rules:
        yield f"| {rule} | " + " | ".join(str(counts[rule, s] or "") for s in states) + " |"


def _fold(rule: str, found: Sequence[Row], view: View) -> _Section:
    counts = Counter(row.state for row in found)
    told = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
    mark = " open" if counts[State.UNPROVED] or counts[State.TAKEN_BACK] else ""
    # Without the blank line GitHub takes the list for HTML.
    head = f"<details{mark}><summary><b>{rule}</b>: {told}</summary>\n"
    return _Section(head, [_item(row, view) for row in found], "\n</details>")


def _item(row: Row, view: View) -> str:
    finding = row.finding
    where = _code(f"{shown(finding.path, view.base)}:{finding.span.where}")
    details = [f"**{row.state.value}** {where}: {_plain(finding.message)}", f"why: {_plain(str(finding.reach))}"]
    details += [_plain(row.outcome)] if row.outcome else []
    before = row.verdict.before if row.verdict is not None else ""
    details += [f"before: {_code(before)}"] if before else []
    details += [f"note: {_plain(note)}" for note in row.notes]
    return "- " + "<br>".join(details)


def _carrier(carrier: Carrier, view: View) -> str:
    name = f"`{carrier.subject.module}.{carrier.subject.cls}`"
    needed = ", ".join(sorted({f"{f.rule} at `{shown(f.path, view.base)}:{f.span.where}`" for f in carrier.fixes}))
    match carrier.verdict:
        case Proved(how, _):
            return f"- {name} crosses now ({_plain(how)}): {needed}"
        case Refuted(reason, _):
            return f"- {name} does not cross yet: {_plain(reason)}<br>fixed so far: {needed}"
        case other:
            return f"- {name} was not tried: {_plain(other.reason)}<br>fixed: {needed}"


def _plain(text: str) -> str:
    """A sentence that says what it said: nothing in it is markup, a mention or a link, and what is quoted is code."""
    parts = _QUOTED.split(" ".join(text.split()))
    return "".join(_code(part) if number % 2 else part.translate(_ESCAPES) for number, part in enumerate(parts))


def _code(text: str) -> str:
    """Text as code: what it is quoted by is longer than any run of backquotes in it."""
    text = " ".join(text.split())
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _fitting(head: Sequence[str], sections: Sequence[_Section]) -> Iterator[str]:
    """The lines for which there is room, every fold closed, and how many items there was none for."""
    yield from head
    room, dropped = LIMIT - sum(len(line) + 1 for line in head) - _SAID, 0
    for section in sections:
        room -= len(section.head) + len(section.foot) + 3
        fitting = 0
        for item in section.items if room > 0 else ():
            room -= len(item) + 1
            if room < 0:
                break
            fitting += 1
        dropped += len(section.items) - fitting
        if fitting:
            yield from ("", section.head, *section.items[:fitting], *filter(None, [section.foot]))
    if dropped:
        yield f"\n{dropped} more entries did not fit; `--output json=FILE` has them all."
