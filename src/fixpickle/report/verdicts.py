"""RunReport -> a table of the verdicts: what became of each fix, how that was found out, and what was not tried."""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Proved, RunReport, Verdict
from fixpickle.report import View
from fixpickle.report.rows import Row, rows, shown
from fixpickle.report.text import summary

_HEAD = ("verdict", "where", "rule", "after", "before", "not tried")


def render(report: RunReport, view: View) -> str:
    """A Markdown table with a row for each fix, for each class that carries some, and the summary line.

    `after` says how it was proved, or why it was not; `before`, what the same exercise failed with.
    """
    lines = [_HEAD, *_fixes(report, view), *_carriers(report)]
    table = [f"| {' | '.join(map(_cell, line))} |" for line in lines]
    table.insert(1, "|---" * len(_HEAD) + "|")
    return "".join(f"{line}\n" for line in (*table, "", summary(report, view.found)))


def _fixes(report: RunReport, view: View) -> Iterator[tuple[str, ...]]:
    for row in rows(report):
        if row.verdict is not None:
            yield row.state.value, f"{shown(row.finding.path, view.base)}:{row.finding.span.line}", *_said(row)


def _said(row: Row) -> tuple[str, ...]:
    assert row.verdict is not None
    return (row.finding.rule, *_columns(row.verdict))


def _carriers(report: RunReport) -> Iterator[tuple[str, ...]]:
    for carrier in report.carriers:
        name = f"{carrier.subject.module}.{carrier.subject.cls}"
        yield type(carrier.verdict).__name__.lower(), name, "(whole object)", *_columns(carrier.verdict)


def _columns(verdict: Verdict) -> tuple[str, str, str]:
    if isinstance(verdict, Proved):
        return verdict.how, verdict.before, verdict.unexercised
    return verdict.reason, verdict.before, ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
