"""The flow: read, survey, link, find, fix, check, prove, settle, until nothing changes. It knows no rule by name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from fixpickle.check import check
from fixpickle.discover import discover
from fixpickle.model import (
    Change,
    Compose,
    Edit,
    Finding,
    Fixed,
    Ground,
    Left,
    Overlay,
    Patch,
    Refusal,
    Refuted,
    RunReport,
    Safety,
    Settings,
    Source,
    Strategy,
    TakenBack,
    Unproved,
    Verdict,
)
from fixpickle.project import Project
from fixpickle.rule import Rule, Workshop
from fixpickle.source import apply_edits, read
from fixpickle.survey import Facts, survey
from fixpickle.workers import each

_ROUNDS = 10  # one fix uncovers the next; real chains are three or four long

Prove = Callable[[Sequence[Patch], Overlay, Compose, Ground, Settings], Sequence[Verdict]]
Tidy = Callable[[str, str, Path], str]


@dataclass(frozen=True, slots=True)
class Ports:
    """What the engine is handed: how to prove and to format a change, and whom to tell how far it is."""

    prove: Prove
    tidy: Tidy
    progress: Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """The files as the run has them: the original sources, the sources as fixed so far, their facts, and the link."""

    original: Mapping[Path, Source]
    sources: Mapping[Path, Source]
    facts: Mapping[Path, Facts]
    project: Project

    def changed(self) -> dict[Path, str]:
        """The texts that differ from what is on disk, new files included."""
        old = self.original
        return {p: s.text for p, s in self.sources.items() if p not in old or old[p].text != s.text}


Key = tuple[str, Path, str, str]
"""What a finding is known by from round to round, while lines move: rule, file, message and the code it is about."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds so far have kept, taken back and given up."""

    fixed: tuple[Fixed, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    given_up: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One run's constants."""

    settings: Settings
    rules: Sequence[Rule]
    ports: Ports


def run(paths: Sequence[Path], settings: Settings, rules: Sequence[Rule], ports: Ports, *, fix: bool) -> RunReport:
    """One whole run over `paths`. Nothing is written: `changes` of the report says what would be."""
    started = time.monotonic()
    standing, skipped = _read_all(paths, settings, ports)
    task = Run(settings, [r for r in rules if settings.selects(r.name)], ports)
    findings, outcome = _find(standing, task), Outcome()
    for number in range(_ROUNDS if fix else 0):
        ports.progress("fixing, round", number + 1, _ROUNDS)
        after = _round(standing, findings, outcome, task)
        if after is None:
            break
        standing, findings, outcome = after
    left = [_left(f, _key(f, standing), outcome, settings, fix) for f in findings]
    return RunReport(
        root=settings.root,
        files=len(standing.original),
        fixed=outcome.fixed,
        taken_back=outcome.taken_back,
        left=tuple(x for x in left if x is not None),
        skipped=tuple(skipped),
        changes=tuple(_changes(standing)),
        python=str(settings.python),
        seconds=time.monotonic() - started,
    )


# --- reading --------------------------------------------------------------------------------------------------------


def _read_all(paths: Sequence[Path], settings: Settings, ports: Ports) -> tuple[Standing, list[Refusal]]:
    files, refused = discover(paths, settings.exclude, settings.root)
    explicit = {p.absolute() for p in paths}
    skipped = list(refused)
    sources: dict[Path, Source] = {}
    facts: dict[Path, Facts] = {}
    asked = [(path, path in explicit) for path in files]
    for number, (source, found) in enumerate(each(_survey_file, asked), 1):
        ports.progress("reading", number, len(files))
        for refusal in (source, found):
            if isinstance(refusal, Refusal):
                skipped.append(refusal)
        if isinstance(source, Source) and isinstance(found, Facts):
            sources[source.path] = source
            if not _is_runtime(source.path):
                facts[source.path] = found
                skipped += _misnamed(found)
    return Standing(sources, sources, facts, Project(facts.values(), settings.strategy)), skipped


def _misnamed(facts: Facts) -> Iterator[Refusal]:
    """The comments that choose a strategy which does not exist."""
    known = [strategy.value for strategy in Strategy]
    for line, name in facts.strategies:
        if name not in known:
            close = get_close_matches(name.lower().replace("_", "-"), known, n=1)
            meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
            yield Refusal(facts.path, f"no strategy is named `{name}`; {meant}", line)


def _survey_file(asked: tuple[Path, bool]) -> tuple[Source | Refusal, Facts | Refusal | None]:
    source = read(*asked)
    return source, survey(source) if isinstance(source, Source) else None


def _is_runtime(path: Path) -> bool:
    """Whether a file is a copy of our own runtime, in which there is nothing to find."""
    return path.name.startswith("_fixpickle_")


# --- finding --------------------------------------------------------------------------------------------------------


def _find(standing: Standing, task: Run) -> list[Finding]:
    """What the rules find with enough evidence and no comment against it, in reading order."""
    found: list[Finding] = []
    for facts in standing.project.files:
        ignored = set(facts.ignored)
        for rule in task.rules:
            for finding in rule.find(standing.project, facts):
                admitted = task.settings.reach.admits(finding.reach.evidence)
                if admitted and (finding.span.line, finding.rule) not in ignored:
                    found.append(finding)
    return sorted(found, key=lambda f: (f.path, f.span, f.rule))


def _key(finding: Finding, standing: Standing) -> Key:
    text = standing.sources[finding.path].text
    return finding.rule, finding.path, finding.message, text[finding.span.start : finding.span.end]


def _left(finding: Finding, key: Key, outcome: Outcome, settings: Settings, fix: bool) -> Left | None:
    """A finding that is still there, with the reason; None for one that was taken back, which is reported as that."""
    if any(
        t.patch.finding.path == finding.path and outcome.given_up.get(key) == t.verdict.reason
        for t in outcome.taken_back
    ):
        return None
    if finding.reason:
        return Left(finding, finding.reason)
    if finding.safety is Safety.UNSAFE and not settings.unsafe_fixes:
        return Left(finding, "its fix can change behaviour; --unsafe-fixes applies it")
    return Left(finding, outcome.given_up.get(key) or ("it was still there after the last round" if fix else ""))


# --- one round ------------------------------------------------------------------------------------------------------


def _round(
    standing: Standing, findings: Sequence[Finding], outcome: Outcome, task: Run
) -> tuple[Standing, list[Finding], Outcome] | None:
    """Fix what can be fixed side by side, prove it and keep what holds; None where nothing is left to try."""
    given_up = dict(outcome.given_up)
    patches = list(_patches(standing, findings, given_up, task))
    sound, back = _checked(patches, standing, task.ports)
    if not sound and not back:
        return None if given_up == outcome.given_up else (standing, list(findings), replace(outcome, given_up=given_up))
    verdicts = _verdicts(sound, standing, task) if sound else ()
    fixed = [Fixed(p, v) for p, v in zip(sound, verdicts, strict=True) if not isinstance(v, Refuted)]
    back += [TakenBack(p, v) for p, v in zip(sound, verdicts, strict=True) if isinstance(v, Refuted)]
    after, rest, kept, unsettled = _settled(standing, findings, fixed, task)
    back += unsettled
    given_up.update({_key(t.patch.finding, standing): t.verdict.reason for t in back})
    return after, rest, Outcome((*outcome.fixed, *kept), (*outcome.taken_back, *back), given_up)


def _patches(standing: Standing, findings: Sequence[Finding], given_up: dict[Key, str], task: Run) -> Iterator[Patch]:
    """The patches of one round. Of two that overlap the later one waits; what a rule refuses is noted in `given_up`."""
    by_name = {r.name: r for r in task.rules}
    shop = Workshop(standing.project, standing.sources, task.settings, standing.facts)
    made: list[Patch] = []
    for finding in findings:
        key = _key(finding, standing)
        unsafe = finding.safety is Safety.UNSAFE and not task.settings.unsafe_fixes
        if finding.reason or unsafe or key in given_up:
            continue
        patch = by_name[finding.rule].fix(finding, shop)
        if isinstance(patch, Refusal):
            given_up[key] = patch.reason
        elif not any(_overlap(patch, other) for other in made):
            made.append(patch)
            yield patch


def _settled(
    standing: Standing, findings: Sequence[Finding], fixed: Sequence[Fixed], task: Run
) -> tuple[Standing, list[Finding], list[Fixed], list[TakenBack]]:
    """The standing with these fixes in place, and what is found in it. A fix that leaves its finding is taken back."""
    after = _moved(standing, compose(standing, [f.patch for f in fixed], task.ports.tidy))
    rest = _find(after, task)
    was = Counter(_key(f, standing) for f in findings)
    now = Counter(_key(f, after) for f in rest)
    kept: list[Fixed] = []
    back: list[TakenBack] = []
    for one in fixed:
        key = _key(one.patch.finding, standing)
        if now[key] >= was[key]:
            back.append(
                TakenBack(one.patch, Refuted("its finding is still there after the fix: it would never settle", ""))
            )
        else:
            kept.append(one)
    if not back:
        return after, rest, kept, back
    return _settled(standing, findings, kept, task)[:3] + (back,)


def _overlap(one: Patch, other: Patch) -> bool:
    """Whether two patches cannot be made side by side. Insertions at one place can, and new files that are the same."""
    for a in one.edits:
        for b in other.edits:
            if a.path != b.path or a == b:
                continue
            inserts = a.start == a.end or b.start == b.end
            if inserts and (a.start in (b.start, b.end) or b.start in (a.start, a.end)):
                continue
            if (a.start < b.end and b.start < a.end) or a.start == b.start:
                return True
    files = {n.path: n.text for n in one.new_files}
    return any(files.get(n.path, n.text) != n.text for n in other.new_files)


def compose(standing: Standing, patches: Sequence[Patch], tidy: Tidy) -> dict[Path, str]:
    """The texts that these patches change, with their edits made and the changed statements formatted."""
    edits: dict[Path, list[Edit]] = {}
    for patch in patches:
        for edit in patch.edits:
            edits.setdefault(edit.path, []).append(edit)
    texts: dict[Path, str] = {}
    for path, changes in edits.items():
        source = standing.sources[path]
        text = apply_edits(source.text, changes, source.newline)
        texts[path] = tidy(source.text, text, path)
    return {**texts, **{n.path: n.text for p in patches for n in p.new_files}}


def _checked(patches: list[Patch], standing: Standing, ports: Ports) -> tuple[list[Patch], list[TakenBack]]:
    """The patches whose result is Python and leaves everything else as it was, and those that are our own bugs."""
    if not patches or not check(standing.sources, compose(standing, patches, ports.tidy), patches):
        return patches, []
    sound: list[Patch] = []
    broken: list[TakenBack] = []
    for patch in patches:
        reason = check(standing.sources, compose(standing, [*sound, patch], ports.tidy), [*sound, patch])
        if reason:
            broken.append(TakenBack(patch, Refuted(f"a bug in fixpickle, please report it: {reason}", "")))
        else:
            sound.append(patch)
    return sound, broken


def _verdicts(patches: Sequence[Patch], standing: Standing, task: Run) -> Sequence[Verdict]:
    if not task.settings.verify:
        return [Unproved("the proof was turned off by --no-verify")] * len(patches)
    ports = task.ports
    ports.progress("proving", 0, len(patches))
    touched = {p for patch in patches for p in patch.paths}
    sources = [standing.sources[p] for p in sorted(touched) if p in standing.sources]
    roots = dict.fromkeys([s.root for s in sources] + [p.parent for p in sorted(touched) if p not in standing.sources])
    scripts = {f.module: p for p, f in standing.facts.items() if f.is_script}
    ground = Ground(tuple(_outermost(roots)), scripts)
    overlay = standing.changed()
    return ports.prove(patches, overlay, lambda some: compose(standing, some, ports.tidy), ground, task.settings)


def _outermost(roots: Iterable[Path]) -> Iterator[Path]:
    """Import roots without the folders that lie inside a package of another one."""
    every = list(roots)
    for root in every:
        if not (root / "__init__.py").exists():
            yield root


def _moved(standing: Standing, texts: Mapping[Path, str]) -> Standing:
    """The standing with these texts in place, surveyed anew."""
    sources, facts = dict(standing.sources), dict(standing.facts)
    for path, text in texts.items():
        source = sources.get(path) or Source(path, "", "utf-8", "\n", False, "", path.stem, path.parent)
        sources[path] = replace(source, text=text)
        found = survey(sources[path])
        if isinstance(found, Facts) and not _is_runtime(path):
            facts[path] = found
    return Standing(standing.original, sources, facts, Project(facts.values(), standing.project.strategy))


def _changes(standing: Standing) -> Iterator[Change]:
    for path, text in sorted(standing.changed().items()):
        old = standing.original.get(path)
        yield Change(path, old.text if old else None, text)


__all__ = ["Ports", "Standing", "compose", "run"]
