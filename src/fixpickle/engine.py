"""The flow: read, survey, link, find, fix, check, prove, settle, until nothing changes. It knows no rule by name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixpickle.cache.trees import Notes
from fixpickle.carriers import carriers, shippers
from fixpickle.check import check, miscompiled
from fixpickle.claims import Claims
from fixpickle.collector import uncollected
from fixpickle.finding import Chosen, Key, choose, find, key_of, stale
from fixpickle.model import (
    Carrier,
    Compose,
    Finding,
    Fixed,
    Ground,
    Left,
    Offer,
    Overlay,
    Patch,
    Refusal,
    Refuted,
    RunReport,
    Settings,
    Subject,
    TakenBack,
    Unproved,
    Verdict,
)
from fixpickle.project import Project
from fixpickle.reading import NOTHING, Held, read_all
from fixpickle.rule import Consultant, Rule, Weigher, Workshop
from fixpickle.shadows import shadowed
from fixpickle.standing import Standing, Tidy, TidyAll, by_project, changes_of, compose, grounds, moved
from fixpickle.workers import Executor

_ROUNDS = 10  # one fix uncovers the next; real chains are three or four long

Prove = Callable[[Sequence[Patch], Overlay, Compose, Ground, Settings], Sequence[Verdict]]
Examine = Callable[[Sequence[Subject], Overlay, Overlay, Ground, Settings], Sequence[Verdict]]
Weigh = Callable[[Sequence[str], Settings], Mapping[str, float]]
Decide = Callable[[Sequence[Offer]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Ports:
    """What the engine is handed: how to prove and to format a change, and whom to tell how far it is.

    `decide` is asked, once a round, which of the fixes that held are wanted; without it all are. `weigh` gives the
    seconds that packages take to import. `notes` take down what is read, and know what was found out before.
    The `executor` surveys the files. `tidy_all` formats many changes at once.
    """

    prove: Prove
    examine: Examine
    tidy: Tidy
    progress: Callable[[str, int, int], None]
    decide: Decide | None = None
    weigh: Weigh | None = None
    notes: Notes | None = None
    executor: Executor | None = None
    tidy_all: TidyAll | None = None

    def texts(self, standing: Standing, patches: Sequence[Patch]) -> dict[Path, str]:
        """The texts that these patches give."""
        return compose(standing, patches, self.tidy, self.tidy_all)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds so far have kept and taken back, and what a rule refused to fix, with the reason."""

    fixed: tuple[Fixed, ...] = ()
    taken_back: tuple[tuple[Key, TakenBack], ...] = ()
    refused: Mapping[Key, str] = field(default_factory=dict)
    rounds: int = 0

    def closed(self) -> frozenset[Key]:
        """What is not tried again."""
        return frozenset(self.refused) | {key for key, _ in self.taken_back}

    def reopened(self, kept: Sequence[Fixed]) -> Outcome:
        """Without what was taken back in files that `kept` changes since: what did not do alone may do with these."""
        paths = frozenset[Path]().union(*(one.patch.paths for one in kept))
        return replace(self, taken_back=tuple(t for t in self.taken_back if not t[1].patch.paths & paths))


@dataclass(frozen=True, slots=True)
class Run:
    """One run's constants."""

    settings: Settings
    chosen: Chosen
    ports: Ports


def run(
    paths: Sequence[Path], settings: Settings, rules: Sequence[Rule], ports: Ports, *, fix: bool, held: Held = NOTHING
) -> RunReport:
    """One whole run over `paths`. Nothing is written: `changes` of the report says what would be.

    `held` are the bytes of files, by absolute path, that are read in place of what is on disk.
    """
    started = time.monotonic()
    task = Run(settings, choose(rules, settings), ports)
    with uncollected():
        standing, skipped = read_all(paths, settings, ports.progress, held, ports.notes, ports.executor)
        standing = _weighed(standing, task) if fix and settings.verify else standing
        findings, suppressed = find(standing, task.chosen, settings, _telling(ports))
    _note_asked(standing, task)
    outcome, known = Outcome(), {s.finding.fingerprint for s in suppressed}
    first = _by_key(findings, standing)
    for _ in range(_ROUNDS if fix else 0):
        after = _round(standing, findings, outcome, task)
        if after is None:
            break
        standing, findings, outcome = after
    left = [_left(f, key_of(f, standing), outcome, settings, fix) for f in findings]
    return RunReport(
        root=settings.root,
        files=len(standing.original),
        fixed=outcome.fixed,
        taken_back=tuple(back for _, back in outcome.taken_back),
        left=tuple(_with_first([x for x in left if x is not None], standing, first)),
        skipped=tuple(skipped),
        suppressed=tuple(suppressed),
        stale=tuple(stale(standing, known, task.chosen, settings)),
        carriers=_carriers(standing, outcome.fixed, task),
        changes=changes_of(replace(standing, sources=standing.original), standing.changed()),
        python=str(settings.python),
        seconds=time.monotonic() - started,
    )


def _weighed(standing: Standing, task: Run) -> Standing:
    """With what rules must know of imports, measured. It takes as long as these, so only where somebody asked."""
    settings, project = task.settings, standing.project
    asked = [
        r for r in task.chosen.rules if isinstance(r, Weigher) and (settings.unsafe_fixes or r.name in settings.select)
    ]
    packages = sorted(
        {
            package
            for rule in asked
            for facts in project.files
            for package in rule.weighs(project.seen_from(facts), facts)
        }
    )
    if not packages or task.ports.weigh is None:
        return standing
    task.ports.progress("importing what workers import", 0, len(packages))
    seconds = task.ports.weigh(packages, settings)
    heavy = {package: taken for package, taken in seconds.items() if taken >= settings.heavy_import}
    return replace(standing, project=project.weighed(heavy))


def _telling(ports: Ports) -> Callable[[int, int, int], None]:
    return lambda done, of, found: ports.progress(f"looking at files, {found} findings", done, of)


def _note_asked(standing: Standing, task: Run) -> None:
    """Notes what else than the sources the findings depend on."""
    notes = task.ports.notes
    if notes is None:
        return
    for rule in task.chosen.rules:
        if isinstance(rule, Consultant):
            for facts in standing.project.files:
                notes.asked.update(rule.consults(standing.project.seen_from(facts), facts))


# --- what is left ---------------------------------------------------------------------------------------------------


def _left(finding: Finding, key: Key, outcome: Outcome, settings: Settings, fix: bool) -> Left | None:
    """A finding that is still there, with the reason; None for one that was taken back, which is reported as that."""
    if key in {k for k, _ in outcome.taken_back}:
        return None
    reason = finding.reason or settings.bars(finding)
    if reason:
        return Left(finding, reason)
    return Left(finding, outcome.refused.get(key) or ("it was still there after the last round" if fix else ""))


def _by_key(findings: Iterable[Finding], standing: Standing) -> dict[Key, list[Finding]]:
    found: dict[Key, list[Finding]] = {}
    for finding in findings:
        found.setdefault(key_of(finding, standing), []).append(finding)
    return found


def _with_first(left: Sequence[Left], standing: Standing, first: Mapping[Key, Sequence[Finding]]) -> Iterator[Left]:
    """Each with the finding that it was before the first fix. Those that are alike stay in order, if all are left."""
    last = _by_key((one.finding for one in left), standing)
    for one in left:
        key = key_of(one.finding, standing)
        was, now = first.get(key, ()), last[key]
        yield replace(one, first=was[now.index(one.finding)]) if len(was) == len(now) else one


# --- one round ------------------------------------------------------------------------------------------------------


def _round(
    standing: Standing, findings: Sequence[Finding], outcome: Outcome, task: Run
) -> tuple[Standing, list[Finding], Outcome] | None:
    """Fix what can be fixed side by side, prove it and keep what holds; None where nothing is left to try."""
    refused = dict(outcome.refused)
    patches = list(_patches(standing, findings, outcome.closed(), refused, task))
    sound, back = _checked(patches, standing, task.ports)
    if not sound and not back:
        return None if refused == outcome.refused else (standing, list(findings), replace(outcome, refused=refused))
    verdicts = [_strict(v, task.settings) for v in _verdicts(sound, standing, task)] if sound else []
    held = [(p, v) for p, v in zip(sound, verdicts, strict=True) if not isinstance(v, Refuted)]
    fixed = [Fixed(p, v, outcome.rounds + 1) for p, v in held]
    back += [TakenBack(p, v) for p, v in zip(sound, verdicts, strict=True) if isinstance(v, Refuted)]
    wanted = _wanted(fixed, standing, task.ports)
    refused.update({key_of(f.patch.finding, standing): "it was declined" for f in fixed if f not in wanted})
    after, rest, kept, unsettled = _settled(standing, findings, wanted, task)
    keyed = [(key_of(t.patch.finding, standing), t) for t in (*back, *unsettled)]
    earlier = outcome.reopened(kept)
    return after, rest, Outcome((*earlier.fixed, *kept), (*earlier.taken_back, *keyed), refused, outcome.rounds + 1)


def _strict(verdict: Verdict, settings: Settings) -> Verdict:
    """What could not be proved counts as refuted where the user wants proof."""
    if isinstance(verdict, Unproved) and settings.require_proof:
        return Refuted(f"it could not be proved, and proof is required: {verdict.reason}", verdict.before)
    return verdict


def _patches(
    standing: Standing, findings: Sequence[Finding], closed: frozenset[Key], refused: dict[Key, str], task: Run
) -> Iterator[Patch]:
    """The patches of one round. Of two that overlap the later one waits; what a rule refuses is noted in `refused`."""
    by_name = {r.name: r for r in task.chosen.rules}
    shop = Workshop(standing.project, standing.sources, task.settings, standing.facts)
    claims = Claims()
    for number, finding in enumerate(findings, 1):
        task.ports.progress("fixing", number, len(findings))
        key = key_of(finding, standing)
        if finding.reason or task.settings.bars(finding) or key in closed:
            continue
        patch = by_name[finding.rule].fix(finding, shop.seen_from(finding.path))
        if isinstance(patch, Refusal):
            refused[key] = patch.reason
        elif standing.held and not patch.paths <= standing.held:
            others = ", ".join(sorted(path.name for path in patch.paths - standing.held))
            refused[key] = f"its fix needs another file, {others}; run `fixpickle apply` on the file itself"
        elif reason := miscompiled(patch, standing.sources) or shadowed(patch, standing.sources):
            refused[key] = reason
        elif claims.take(patch):
            yield patch


def _wanted(fixed: Sequence[Fixed], standing: Standing, ports: Ports) -> list[Fixed]:
    if ports.decide is None or not fixed:
        return list(fixed)
    offers = [Offer(one, changes_of(standing, ports.texts(standing, [one.patch]))) for one in fixed]
    return [one for one, wanted in zip(fixed, ports.decide(offers), strict=True) if wanted]


def _settled(
    standing: Standing, findings: Sequence[Finding], fixed: Sequence[Fixed], task: Run
) -> tuple[Standing, list[Finding], list[Fixed], list[TakenBack]]:
    """The standing with these fixes in place, and what is found in it. A fix that leaves its finding is taken back."""
    after = moved(standing, task.ports.texts(standing, [f.patch for f in fixed]), task.ports.executor)
    rest, _ = find(after, task.chosen, task.settings)
    was = Counter(key_of(f, standing) for f in findings)
    now = Counter(key_of(f, after) for f in rest)
    kept: list[Fixed] = []
    back: list[TakenBack] = []
    for one in fixed:
        key = key_of(one.patch.finding, standing)
        if now[key] >= was[key]:
            back.append(
                TakenBack(one.patch, Refuted("its finding is still there after the fix: it would never settle", ""))
            )
        else:
            kept.append(one)
    if not back:
        return after, rest, kept, back
    return _settled(standing, findings, kept, task)[:3] + (back,)


def _checked(patches: list[Patch], standing: Standing, ports: Ports) -> tuple[list[Patch], list[TakenBack]]:
    """The patches whose result is Python and leaves everything else as it was, and those that are our own bugs."""
    if not patches or not check(standing.sources, ports.texts(standing, patches), patches, ports.executor):
        return patches, []
    sound: list[Patch] = []
    broken: list[TakenBack] = []
    for patch in patches:
        reason = check(standing.sources, ports.texts(standing, [*sound, patch]), [*sound, patch])
        if reason:
            broken.append(TakenBack(patch, Refuted(f"a bug in fixpickle, please report it: {reason}", "")))
        else:
            sound.append(patch)
    return sound, broken


def _verdicts(patches: Sequence[Patch], standing: Standing, task: Run) -> Sequence[Verdict]:
    if not task.settings.verify:
        return [Unproved("the proof was turned off by --no-verify")] * len(patches)
    found: dict[int, Verdict] = {}
    for project, indexes in by_project(standing, [p.finding.path for p in patches]):
        some = [patches[i] for i in indexes]
        found |= dict(zip(indexes, _verdicts_in(project, some, standing, task), strict=True))
    return [found[i] for i in range(len(patches))]


def _verdicts_in(project: Project, patches: Sequence[Patch], standing: Standing, task: Run) -> Sequence[Verdict]:
    ports = task.ports
    paths = {p for patch in patches for p in patch.paths}
    shipping = shippers((p.finding for p in patches), project)
    ground = replace(grounds(standing, paths, project), shippers=shipping)
    overlay = {p: standing.sources[p].text for p in paths if p in standing.sources} | standing.over_disk()
    return ports.prove(patches, overlay, lambda some: ports.texts(standing, some), ground, task.settings)


def _carriers(standing: Standing, fixed: Sequence[Fixed], task: Run) -> tuple[Carrier, ...]:
    """What becomes of whole objects, with everything in place that the run has fixed."""
    findings = [f.patch.finding for f in fixed] if task.settings.verify else []
    apart = by_project(standing, [f.path for f in findings])
    return tuple(c for project, at in apart for c in _carriers_in(project, [findings[i] for i in at], standing, task))


def _carriers_in(project: Project, findings: Sequence[Finding], standing: Standing, task: Run) -> Iterator[Carrier]:
    found = carriers(findings, project)
    if not found:
        return
    after = standing.over_disk()
    before = {p: standing.original[p].text for p in after if p in standing.original}
    ground = grounds(standing, {f.path for _, fixes in found for f in fixes} | after.keys(), project)
    verdicts = task.ports.examine([subject for subject, _ in found], before, after, ground, task.settings)
    yield from (Carrier(s, fixes, v) for (s, fixes), v in zip(found, verdicts, strict=True))
