"""RunReport -> the message of the commit that its changes become, and what a pull request says of its commits."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle import __version__
from fixpickle.model import Proved, RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, rows, shown

_TOLD = 40  # fixes of one commit that are told one by one; the body of the pull request has more room


@dataclass(frozen=True, slots=True)
class Commit:
    """One rule's fixes as a commit. `command` makes them again from its parent; `sha` is "" before it is made."""

    rule: str
    summary: str
    report: RunReport
    command: str
    sha: str = ""

    @property
    def title(self) -> str:
        """Its first line: the rule, how many fixes, and how many of them were seen to work."""
        number = len(self.report.fixed)
        return f"fixpickle {self.rule}: {number} {'fix' if number == 1 else 'fixes'}, {self.verdicts}"

    @property
    def verdicts(self) -> str:
        """How many of its fixes are proved, and how many are not."""
        proved = sum(isinstance(fixed.verdict, Proved) for fixed in self.report.fixed)
        unproved = len(self.report.fixed) - proved
        return ", ".join([f"{proved} proved"] * bool(proved) + [f"{unproved} unproved"] * bool(unproved))


def message(commit: Commit, view: View) -> str:
    """The whole message. Paths count from `view.base`, which is the top of the repository."""
    fixed = [row for row in rows(commit.report) if row.fixed is not None]
    new = [shown(change.path, view.base) for change in commit.report.changes if change.old is None]
    more = len(fixed) - _TOLD
    blocks = [
        commit.title,
        *_wrapped(f"{commit.summary[:1].upper()}{commit.summary[1:]}."),
        *("\n".join(_told(row, view)) for row in fixed[:_TOLD]),
        *([f"And {more} more of the kind."] if more > 0 else []),
        *(_wrapped(f"New: {', '.join(new)}") if new else []),
        f"To make this commit again from its parent, fixpickle {__version__}:\n\n    {commit.command}",
    ]
    return "\n\n".join(blocks) + "\n"


def _told(row: Row, view: View) -> Iterator[str]:
    yield from _wrapped(f"{shown(row.finding.path, view.base)}:{row.finding.span.where} {row.finding.message}")
    verdict = row.verdict
    assert verdict is not None
    how = f"proved: {verdict.how}" if isinstance(verdict, Proved) else f"not proved: {verdict.reason}"
    before = [f"failed with: {verdict.before}"] if verdict.before and isinstance(verdict, Proved) else []
    for said in (f"pickled: {row.finding.reach}", *before, how, *(f"note: {note}" for note in row.notes)):
        yield from _wrapped(" ".join(said.split()), "  ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    """In lines of a commit message. A path or a name is not broken."""
    further = indent + "  " if indent else ""
    lines = textwrap.wrap(text, 72, initial_indent=indent, subsequent_indent=further, break_long_words=False,
                          break_on_hyphens=False)  # fmt: skip
    return ["\n".join(lines)]


def lead(commits: Sequence[Commit]) -> list[str]:
    """What the body says of its commits, in lines of Markdown."""
    if not commits:
        return []
    table = [f"| {c.sha[:9] or 'to be made'} | {c.rule} | {c.verdicts} | `{c.command}` |" for c in commits]
    return [
        "One commit for each rule, made and proved on the one before it. Its command makes it again from there.",
        "",
        "| commit | rule | fixes | command |",
        "|---|---|---|---|",
        *table,
        "",
    ]
