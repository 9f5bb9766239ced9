"""The flow: read, survey, link, find, fix, check, prove, settle, until nothing changes. It knows no rule by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixpickle.check import check
from fixpickle.discover import discover
from fixpickle.model import (
    Change,
    Compose,
    Evidence,
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
    """The files as the run has them: the original sources, the sources as fixed so far, and the facts of those."""

    original: Mapping[Path, Source]
    sources: Mapping[Path, Source]
    facts: Mapping[Path, Facts]

    def changed(self) -> dict[Path, str]:
        """The texts that differ from what is on disk, new files included."""
        old = self.original
        return {p: s.text for p, s in self.sources.items() if p not in old or old[p].text != s.text}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds so far have kept, taken back and given up."""

    fixed: tuple[Fixed, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    given_up: Mapping[tuple[str, Path, str], str] = field(default_factory=dict)


def run(paths: Sequence[Path], settings: Settings, rules: Sequence[Rule], ports: Ports, *, fix: bool) -> RunReport:
    """One whole run over `paths`. Nothing is written: `changes` of the report says what would be."""
    started = time.monotonic()
    standing, skipped = _read_all(paths, settings, ports)
    chosen = [r for r in rules if settings.selects(r.name)]
    outcome = Outcome()
    for number in range(_ROUNDS if fix else 0):
        ports.progress("fixing, round", number + 1, _ROUNDS)
        after = _round(standing, outcome, chosen, settings, ports)
        if after is None:
            break
        standing, outcome = after
    left = [_left(f, outcome, settings, fix) for f in _findings(standing, chosen, settings)]
    refuted = {_key(t.patch.finding) for t in outcome.taken_back}
    return RunReport(
        root=settings.root,
        files=len(standing.original),
        fixed=outcome.fixed,
        taken_back=outcome.taken_back,
        left=tuple(x for x in left if _key(x.finding) not in refuted),
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
            sources[source.path], facts[source.path] = source, found
    return Standing(sources, sources, facts), skipped


def _survey_file(asked: tuple[Path, bool]) -> tuple[Source | Refusal, Facts | Refusal | None]:
    source = read(*asked)
    return source, survey(source) if isinstance(source, Source) else None


# --- finding --------------------------------------------------------------------------------------------------------


def _findings(standing: Standing, rules: Sequence[Rule], settings: Settings) -> list[Finding]:
    """What the rules find with enough evidence and no comment against it, in reading order."""
    project = Project(standing.facts.values())
    found: list[Finding] = []
    for facts in project.files:
        ignored = set(facts.ignored)
        for rule in rules:
            for finding in rule.find(project, facts):
                admitted = settings.reach.admits(finding.reach.evidence)
                if admitted and (finding.span.line, finding.rule) not in ignored:
                    found.append(finding)
    return sorted(found, key=lambda f: (f.path, f.span, f.rule))


def _key(finding: Finding) -> tuple[str, Path, str]:
    """What a finding is known by from round to round, while lines move."""
    return finding.rule, finding.path, finding.message


def _left(finding: Finding, outcome: Outcome, settings: Settings, fix: bool) -> Left:
    if finding.reason:
        return Left(finding, finding.reason)
    if finding.safety is Safety.UNSAFE and not settings.unsafe_fixes:
        return Left(finding, "its fix can change behaviour; --unsafe-fixes applies it")
    given_up = outcome.given_up.get(_key(finding), "")
    return Left(finding, given_up or ("it was still there after the last round" if fix else ""))


# --- one round ------------------------------------------------------------------------------------------------------


def _round(
    standing: Standing, outcome: Outcome, rules: Sequence[Rule], settings: Settings, ports: Ports
) -> tuple[Standing, Outcome] | None:
    """Fix what can be fixed side by side, prove it and keep what holds; None where nothing is left to try."""
    by_name = {r.name: r for r in rules}
    shop = Workshop(Project(standing.facts.values()), standing.sources, settings, standing.facts)
    patches: list[Patch] = []
    given_up = dict(outcome.given_up)
    for finding in _findings(standing, rules, settings):
        unsafe = finding.safety is Safety.UNSAFE and not settings.unsafe_fixes
        if finding.reason or unsafe or _key(finding) in given_up:
            continue
        patch = by_name[finding.rule].fix(finding, shop)
        if isinstance(patch, Refusal):
            given_up[_key(finding)] = patch.reason
        elif not any(_overlap(patch, other) for other in patches):
            patches.append(patch)
    sound, broken = _checked(patches, standing, ports)
    taken_back = [*outcome.taken_back, *broken]
    given_up.update({_key(t.patch.finding): t.verdict.reason for t in broken})
    if not sound:
        return None if not broken else (standing, Outcome(outcome.fixed, tuple(taken_back), given_up))
    verdicts = _verdicts(sound, standing, settings, ports)
    kept = [Fixed(p, v) for p, v in zip(sound, verdicts, strict=True) if not isinstance(v, Refuted)]
    back = [TakenBack(p, v) for p, v in zip(sound, verdicts, strict=True) if isinstance(v, Refuted)]
    given_up.update({_key(t.patch.finding): t.verdict.reason for t in back})
    texts = compose(standing, [f.patch for f in kept], ports.tidy)
    return _moved(standing, texts), Outcome((*outcome.fixed, *kept), (*taken_back, *back), given_up)


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
    edits: dict[Path, list[object]] = {}
    for patch in patches:
        for edit in patch.edits:
            edits.setdefault(edit.path, []).append(edit)
    texts: dict[Path, str] = {}
    for path, changes in edits.items():
        source = standing.sources[path]
        text = apply_edits(source.text, changes, source.newline)  # type: ignore[arg-type]
        texts[path] = tidy(source.text, text, path)
    return {**texts, **{n.path: n.text for p in patches for n in p.new_files}}


def _checked(patches: list[Patch], standing: Standing, ports: Ports) -> tuple[list[Patch], list[TakenBack]]:
    """The patches whose result is Python and leaves everything else as it was, and those that are our own bugs."""
    if not check(standing.sources, compose(standing, patches, ports.tidy), patches):
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


def _verdicts(patches: Sequence[Patch], standing: Standing, settings: Settings, ports: Ports) -> Sequence[Verdict]:
    if not settings.verify:
        return [Unproved("the proof was turned off by --no-verify")] * len(patches)
    ports.progress("proving", 0, len(patches))
    touched = {p for patch in patches for p in patch.paths}
    sources = [standing.sources[p] for p in sorted(touched) if p in standing.sources]
    roots = dict.fromkeys([s.root for s in sources] + [p.parent for p in sorted(touched) if p not in standing.sources])
    scripts = {f.module: p for p, f in standing.facts.items() if f.is_script}
    ground = Ground(tuple(_outermost(roots)), scripts)
    return ports.prove(patches, standing.changed(), lambda some: compose(standing, some, ports.tidy), ground, settings)


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
        if isinstance(found, Facts) and not path.name.startswith("_fixpickle_"):
            facts[path] = found
    return Standing(standing.original, sources, facts)


def _changes(standing: Standing) -> Iterator[Change]:
    for path, text in sorted(standing.changed().items()):
        old = standing.original.get(path)
        yield Change(path, old.text if old else None, text)


__all__ = ["Evidence", "Ports", "Standing", "compose", "run"]
