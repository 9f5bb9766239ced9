"""RunReport -> lines for people. A line about code starts `path:line:column:`, which editors and terminals follow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fixpickle.model import Finding, Fixed, Proved, Refusal, Refuted, RunReport, Span, Unproved
from fixpickle.report import View, in_order

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"


@dataclass(frozen=True, slots=True)
class _Pen:
    """How things are written: in colour or not, and the folder that paths are shown from."""

    color: bool
    base: Path

    def ink(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def shown(self, path: Path) -> str:
        return os.path.relpath(path, self.base) if path.is_relative_to(self.base) else str(path)

    def place(self, path: Path, line: int = 0, column: int = 0) -> str:
        shown = self.shown(path)
        where = "".join(f":{number}" for number in (line, column) if number)
        return f"{self.ink(shown, _BOLD)}{where}:"

    def head(self, finding: Finding) -> str:
        shown = self.ink(self.shown(finding.path), _BOLD)
        return f"{shown}:{finding.span}: {self.ink(finding.rule, _CYAN)}: {finding.message}"

    def detail(self, label: str, text: str) -> Iterator[str]:
        """A labelled line, and the further lines of `text` below its first; nothing for an empty text."""
        for number, line in enumerate(text.strip().splitlines()):
            yield f"    {self.ink(f'{label:<8}', _DIM) if number == 0 else ' ' * 8}{line}"


def render(report: RunReport, view: View) -> str:
    """What a run fixed, took back, left and skipped, each with its reason, and a summary line."""
    pen = _Pen(view.color, view.base)
    if view.quiet:
        return _joined(_remaining(report, pen))
    if view.found:
        return _findings(report, pen)
    return _joined(
        [*_worked(report, pen), *_carried(report, pen), *_remaining(report, pen), *_stale(report), summary(report)]
    )


def of_fix(fixed: Fixed, view: View) -> str:
    """What the report says of one fix."""
    return _joined(_fix(fixed, _Pen(view.color, view.base)))


def _findings(report: RunReport, pen: _Pen) -> str:
    """What a run that fixes nothing found: `[*]` marks what `apply` would try to fix."""
    lines: list[str] = []
    for left in in_order(report.left):
        mark = f" {pen.ink('[*]', _GREEN)}" if not left.reason else ""
        lines += [f"{pen.head(left.finding)} [{left.finding.reach}]{mark}", *pen.detail("left", left.reason)]
    lines += _skipped(report.skipped, pen)
    return _joined([*lines, *_stale(report), summary(report, found=True)])


def _quieted(report: RunReport) -> str:
    return f", {len(report.suppressed)} suppressed" if report.suppressed else ""


def _stale(report: RunReport) -> Iterator[str]:
    if report.stale:
        entries = _count(len(report.stale), "entry", "entries")
        yield f"{entries} of the baseline found nothing; `fixpickle baseline prune` takes them out"


def summary(report: RunReport, found: bool = False) -> str:
    """The counts of a run in one line; `found` says that nothing was to be fixed."""
    if found:
        fixable = sum(not left.reason for left in report.left)
        counts = f"{_count(len(report.left), 'finding')} ({fixable} to fix with `fixpickle apply`)"
        return f"{counts}, {len(report.skipped)} skipped{_quieted(report)} in {_tail(report)}"
    proved = sum(isinstance(one.verdict, Proved) for one in report.fixed)
    whole = [not isinstance(carrier.verdict, Refuted) for carrier in report.carriers]
    blocked = f", {_count(whole.count(False), 'class', 'classes')} not crossing yet" if not all(whole) else ""
    fixed = f"{len(report.fixed)} fixed ({proved} proved, {len(report.fixed) - proved} unproved)"
    rest = f"{len(report.taken_back)} taken back, {len(report.left)} left, {len(report.skipped)} skipped"
    unwritten = "; nothing was written" if report.changes and not report.written else ""
    rest += _quieted(report)
    return f"{fixed}{blocked}, {rest} in {_tail(report)}{unwritten}"


def _worked(report: RunReport, pen: _Pen) -> Iterator[str]:
    for fixed in in_order(report.fixed):
        yield from _fix(fixed, pen)


def _fix(fixed: Fixed, pen: _Pen) -> Iterator[str]:
    finding, verdict = fixed.patch.finding, fixed.verdict
    proved = isinstance(verdict, Proved)
    yield f"{pen.head(finding)} {pen.ink('[proved]', _GREEN) if proved else pen.ink('[unproved]', _YELLOW)}"
    yield from pen.detail("why", str(finding.reach))
    yield from pen.detail("proof", verdict.how if isinstance(verdict, Proved) else verdict.reason)
    yield from pen.detail("before", verdict.before)
    yield from pen.detail("note", "\n".join(fixed.patch.notes))


def _carried(report: RunReport, pen: _Pen) -> Iterator[str]:
    """What became of whole objects, each with the fixes that it needed."""
    for carrier in report.carriers:
        subject, verdict = carrier.subject, carrier.verdict
        said = {Proved: "crosses now", Refuted: "does not cross yet", Unproved: "was not tried"}[type(verdict)]
        yield f"{pen.ink(f'{subject.module}.{subject.cls}', _BOLD)} {said}"
        places = (f"{f.rule} at {pen.shown(f.path)}:{f.span.where}" for f in sorted(carrier.fixes, key=_place))
        yield from pen.detail("needed", "\n".join(dict.fromkeys(places)))
        because = "" if isinstance(verdict, Proved) else verdict.reason
        yield from pen.detail("because", because)
        if "needs the argument" in because:
            yield from pen.detail("next", "name a function that makes one in [tool.fixpickle.factories]")
        yield from pen.detail("before", verdict.before if verdict.before != because else "")


def _place(finding: Finding) -> tuple[Path, Span]:
    return finding.path, finding.span


def _remaining(report: RunReport, pen: _Pen) -> Iterator[str]:
    for back in in_order(report.taken_back):
        yield f"{pen.head(back.patch.finding)} {pen.ink('[taken back]', _RED)}"
        yield from pen.detail("why", str(back.patch.finding.reach))
        yield from pen.detail("proof", back.verdict.reason)
        yield from pen.detail("before", back.verdict.before)
    for left in in_order(report.left):
        yield f"{pen.head(left.finding)} {pen.ink('[left]', _YELLOW)}"
        yield from pen.detail("why", str(left.finding.reach))
        yield from pen.detail("left", left.reason)
    yield from _skipped(report.skipped, pen)


def _skipped(refusals: Iterable[Refusal], pen: _Pen) -> Iterator[str]:
    for refusal in sorted(refusals, key=lambda one: (one.path, one.line)):
        yield f"{pen.place(refusal.path, refusal.line)} {refusal.reason} {pen.ink('[skipped]', _RED)}"


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _tail(report: RunReport) -> str:
    return f"{_count(report.files, 'file')}, {report.seconds:.1f} s"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"
