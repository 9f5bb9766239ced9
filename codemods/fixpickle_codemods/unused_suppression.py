"""# unused-suppression

A comment `# fixpickle: ignore[rule]` on a line where that rule finds nothing.

## What it becomes

The rule's name goes from the comment, and with the last name the comment goes, with its reason. Comments that other
tools read (`# noqa`, `# type:`) stay.

## What it leaves alone

Comments about rules that did not run, because of `--select` or `--ignore`. Comments on findings that `--reach` left
out. Names of rules that do not exist are reported: they have never suppressed anything.

## When it refuses

Never.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import line_end, line_start
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Suppression

_NAMES = re.compile(r"ignore\[([^\]]*)\]")


class UnusedSuppression:
    """A comment that suppresses a rule where it finds nothing."""

    name = "unused-suppression"
    summary = "a comment suppresses a rule that finds nothing there"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Nothing: what is unused shows when the others have looked."""
        return iter(())

    def review(self, facts: Facts, met: Collection[tuple[int, str]], idle: Collection[str]) -> Iterator[Finding]:
        """One finding for each comment that names a rule in vain."""
        for comment in dict.fromkeys(s.span for s in facts.suppressions):
            vain = _in_vain([s for s in facts.suppressions if s.span == comment], met, idle)
            if vain:
                names = ", ".join(f"`{name}`" for name in vain)
                reach = Reach(Evidence.BOUNDARY, ("nothing is found there",))
                yield Finding(self.name, facts.path, comment, f"the comment suppresses {names} in vain", reach)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The names out of the comment, or the comment out of the file."""
        text = shop.sources[finding.path].text
        written = text[finding.span.start : finding.span.end]
        vain = set(re.findall(r"`([\w-]+)`", finding.message))
        names = _NAMES.search(written)
        listed = [n.strip() for n in names[1].split(",")] if names else []
        kept = [n for n in listed if n not in vain]
        if kept:
            new = _NAMES.sub(f"ignore[{', '.join(kept)}]", written, count=1)
            return Patch(finding, (Edit(finding.path, finding.span.start, finding.span.end, new),))
        return Patch(finding, (_without(finding, text),))


def _in_vain(said: list[Suppression], met: Collection[tuple[int, str]], idle: Collection[str]) -> list[str]:
    return [s.rule for s in said if (s.line, s.rule) not in met and s.rule not in idle]


def _without(finding: Finding, text: str) -> Edit:
    """The comment and the blanks before it; the whole line where nothing else is on it."""
    start, end = finding.span.start, finding.span.end
    first, last = line_start(text, start), line_end(text, start)
    if not (text[first:start] + text[end:last]).strip():
        return Edit(finding.path, first, last, "")
    rest = text[end:last].strip()
    if rest:
        return Edit(finding.path, start, end + text[end:last].index(rest), "")
    return Edit(finding.path, len(text[:start].rstrip(" \t")), end, "")


RULE = UnusedSuppression()
