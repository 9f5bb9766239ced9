"""What the rules find in the files as they stand, and what of it somebody said to leave alone."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.discover import matching
from fixpickle.model import Evidence, Finding, Settings, Source, Suppressed
from fixpickle.notebook import place
from fixpickle.project import Project
from fixpickle.rule import NotebookRule, Reviewer, Rule
from fixpickle.sightings import carried, seen
from fixpickle.standing import Standing
from fixpickle.survey import Facts
from fixpickle.survey.facts import changed

Told = Callable[[int, int, int], None]
Key = tuple[str, Path, str, str]
"""What a finding is known by from round to round, while lines move: rule, file, message and the code it is about."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules that take part in a run, and the names of those that do not.

    `in_notebooks` are those that look at notebooks too, `reviewers` those that look at what the others found.
    """

    rules: Sequence[Rule]
    idle: frozenset[str]
    in_notebooks: Sequence[Rule]
    reviewers: Sequence[Reviewer]


def choose(rules: Sequence[Rule], settings: Settings) -> Chosen:
    """The rules that the settings select."""
    idle = frozenset(rule.name for rule in rules if not settings.selects(rule.name))
    taking = [rule for rule in rules if rule.name not in idle]
    in_notebooks = [rule for rule in taking if isinstance(rule, NotebookRule)]
    return Chosen(taking, idle, in_notebooks, [rule for rule in taking if isinstance(rule, Reviewer)])


def find(
    standing: Standing, chosen: Chosen, settings: Settings, told: Told | None = None
) -> tuple[list[Finding], list[Suppressed]]:
    """What the rules find with enough evidence, in reading order; and what of it somebody said to leave alone.

    `told` hears of each file how many of how many are done, and how much is found so far.
    """
    known = {entry.fingerprint for entry in settings.known}
    found = list(_everywhere(standing.project, chosen, settings, told))
    judged = [_traced(f, standing) for f in found] if standing.project.traced else found
    admitted = [f for f in judged if settings.reach.admits(f.reach.evidence)]
    ordered = sorted(admitted, key=lambda f: (f.path, f.span, f.rule))
    kept: list[Finding] = []
    silent: list[Suppressed] = []
    for finding in _fingerprinted(ordered, standing, settings.root):
        comments = standing.facts[finding.path].suppressions
        said = next((c for c in comments if (c.line, c.rule) == (finding.span.line, finding.rule)), None)
        placed = _placed(finding, standing.sources[finding.path])
        if said is not None:
            silent.append(Suppressed(placed, said.reason or "a comment says so"))
        elif finding.fingerprint in known:
            silent.append(Suppressed(placed, "it is in the baseline"))
        elif (pattern := _ignoring(finding, settings)) is not None:
            silent.append(Suppressed(placed, f"`per-file-ignores` leaves it out in `{pattern}`"))
        elif settings.only is None or finding.path in settings.only:
            kept.append(placed)
    return kept, silent


def _everywhere(project: Project, chosen: Chosen, settings: Settings, told: Told | None) -> Iterator[Finding]:
    count = 0
    for number, facts in enumerate(project.files, 1):
        for finding in _in_file(project.seen_from(facts), facts, chosen):
            count += settings.reach.admits(finding.reach.evidence)
            yield finding
        if told is not None:
            told(number, len(project.files), count)


def _traced(finding: Finding, standing: Standing) -> Finding:
    """With the strongest evidence, where a real run failed on what it is about."""
    span, reach = finding.span, finding.reach
    code = standing.sources[finding.path].text[span.start : span.end]
    traced = standing.project.traced
    found = seen(traced, finding.path, span, code, reach.evidence is Evidence.ANY) or carried(traced, reach)
    if found is None:
        return finding
    chain = () if reach.evidence in (Evidence.ANY, Evidence.TRACED) else reach.chain
    return replace(finding, reach=replace(reach, evidence=found.evidence, chain=(*found.chain, *chain)))


def _ignoring(finding: Finding, settings: Settings) -> str | None:
    """The pattern of `per-file-ignores` that this finding is left out by."""
    patterns = [pattern for pattern, rules in settings.per_file_ignores.items() if finding.rule in rules]
    return matching(patterns, settings.root, finding.path)


def _placed(finding: Finding, source: Source) -> Finding:
    """A finding in a notebook with the cell it is in, and the line of the file."""
    if not source.notebook:
        return finding
    found = place(source.notebook, source.text, finding.span.start)
    return replace(finding, span=changed(finding.span, line=found.line, cell=found.cell, row=found.row))


def stale(standing: Standing, met: Collection[str], chosen: Chosen, settings: Settings) -> Iterator[str]:
    """The entries of the baseline that nothing has any more, as far as this run has looked."""
    for entry in settings.known:
        looked = entry.path in standing.original or not entry.path.exists()
        if looked and entry.rule not in chosen.idle and entry.fingerprint not in met:
            yield entry.fingerprint


def _in_file(project: Project, facts: Facts, chosen: Chosen) -> Iterator[Finding]:
    rules = chosen.in_notebooks if facts.cells else chosen.rules
    found = [f for rule in rules for f in rule.find(project, facts)]
    yield from found
    met = {(f.span.line, f.rule) for f in found}
    for reviewer in () if facts.cells else chosen.reviewers:
        yield from reviewer.review(facts, met, chosen.idle)


def _fingerprinted(findings: Sequence[Finding], standing: Standing, root: Path) -> Iterator[Finding]:
    """Findings that are alike in all that is hashed are told apart by their order."""
    met = Counter[Key]()
    for finding in findings:
        key = key_of(finding, standing)
        met[key] += 1
        place = os.path.relpath(finding.path, root).replace(os.sep, "/")
        words = (finding.rule, place, finding.message, key[3], str(met[key]))
        yield replace(finding, fingerprint=hashlib.sha256("\0".join(words).encode()).hexdigest()[:16])


def key_of(finding: Finding, standing: Standing) -> Key:
    """The key of a finding in the files as they stand."""
    text = standing.sources[finding.path].text
    return finding.rule, finding.path, finding.message, text[finding.span.start : finding.span.end]
