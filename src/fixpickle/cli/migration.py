"""What `fixpickle pr` does: rule by rule a run, a proof and a commit, until nothing is left to fix."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixpickle.cli.checking import UserCheck
from fixpickle.cli.command import command
from fixpickle.cli.repository import Repository, clean_repository, commit, start_branch, tracked
from fixpickle.cli.request import Allow
from fixpickle.cli.settling import narrowed
from fixpickle.cli.terminal import clear, progress, put
from fixpickle.cli.wayback import undo
from fixpickle.cli.writing import read_again, written
from fixpickle.engine import Decide, Ports, run
from fixpickle.model import Carrier, Offer, Refusal, RunReport, Settings, Source
from fixpickle.registry import load_rules
from fixpickle.report import View
from fixpickle.report.commits import Commit, message
from fixpickle.rewrite.style import tidy
from fixpickle.rule import Reviewer, Rule
from fixpickle.settings import Options, load
from fixpickle.store import drop
from fixpickle.verify import examine, prove
from fixpickle.write import account, as_found

_PASSES = 4  # what one rule's commit uncovers for a rule before it is fixed in the next pass


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration is about, and how it is told: the constants of one."""

    paths: tuple[Path, ...]
    options: Options
    settings: Settings
    rules: Sequence[Rule]
    repository: Repository
    quiet: bool
    check: UserCheck

    @property
    def view(self) -> View:
        return View(self.repository.top)

    def command(self, rule: Rule | None = None) -> str:
        """What makes the fixes of one rule again, or all of them, from the top of the repository.

        A rule that reviews the others finds nothing where it is selected alone.
        """
        alone = rule is not None and not isinstance(rule, Reviewer)
        options = self.options.selecting(rule.name) if rule and alone else self.options
        return command("apply", self.paths, options, self.repository.top)

    def run(self, *, fix: bool, rule: Rule | None = None) -> RunReport:
        """A run over the paths in which all rules fix, or one."""
        settings, decide = self.settings, None
        if isinstance(rule, Reviewer):
            decide = _Only(rule.name)
        elif rule is not None:
            settings = replace(settings, select=frozenset({rule.name}))
        ports = Ports(prove, examine, tidy, progress(sys.stderr, self.quiet), decide)
        report = run(self.paths, settings, self.rules, ports, fix=fix)

        def again(wanted: Decide, verify: bool) -> RunReport:
            given = settings if verify else replace(settings, verify=False, require_proof=False)
            return run(self.paths, given, self.rules, replace(ports, decide=_both(wanted, decide)), fix=fix)

        report = self.check.kept(report, again)
        clear(sys.stderr, self.quiet)
        return report


@dataclass(frozen=True, slots=True)
class _Only:
    """As the engine's port `decide`: the fixes of one rule."""

    rule: str

    def __call__(self, offers: Sequence[Offer]) -> Sequence[bool]:
        return [offer.fixed.patch.finding.rule == self.rule for offer in offers]


def _both(one: Decide, other: Decide | None) -> Decide:
    """What both want."""
    return one if other is None else lambda offers: [all(pair) for pair in zip(one(offers), other(offers), strict=True)]


@dataclass(slots=True)
class Done:
    """What a migration has come to: its commits, and why it stopped before its end.

    `found` is the last look at everything; `last` has for each rule that tried since the report of its own run.
    """

    started: float = field(default_factory=time.monotonic)
    commits: list[Commit] = field(default_factory=list)
    stuck: Refusal | None = None
    branched: bool = False
    found: RunReport | None = None
    last: dict[str, RunReport] = field(default_factory=dict)


def prepared(paths: tuple[Path, ...], options: Options, branch: str, quiet: bool) -> Migration | Refusal:
    """A migration that can start; or why it cannot."""
    missing = [path for path in paths if not path.exists()]
    if missing:
        return Refusal(missing[0], "no such file or directory")
    rules = load_rules()
    settings = load(paths, options, [rule.name for rule in rules])
    settings = narrowed(settings) if isinstance(settings, Settings) else settings
    if isinstance(settings, Refusal):
        return settings
    repository = clean_repository(settings.root, branch)
    # A rule that reviews the others comes when they are done.
    ordered = sorted(rules, key=lambda rule: (isinstance(rule, Reviewer), rule.name))
    if isinstance(repository, Refusal):
        return repository
    check = UserCheck(settings, progress(sys.stderr, quiet))
    return Migration(paths, options, settings, ordered, repository, quiet, check)


def plan(migration: Migration, done: Done) -> None:
    """One run of all rules, told as the commits that it would become."""
    report = as_found(migration.run(fix=True))
    done.found = replace(report, fixed=())
    for rule in migration.rules:
        fixed = tuple(one for one in report.fixed if one.patch.finding.rule == rule.name)
        if fixed:
            own = replace(report, fixed=fixed)
            done.commits.append(Commit(rule.name, rule.summary, own, migration.command(rule)))


def migrate(migration: Migration, done: Done) -> None:
    """Pass after pass over the rules that find something to fix, each with a commit, until a pass makes none."""
    for _ in range(_PASSES):
        done.last.clear()
        done.found = migration.run(fix=False)
        todo = {left.finding.rule for left in done.found.left if not left.reason}
        before = len(done.commits)
        for rule in migration.rules:
            if rule.name in todo:
                done.stuck = _fixed(migration, rule, done)
            if done.stuck is not None:
                return
        if len(done.commits) == before:
            return


def _fixed(migration: Migration, rule: Rule, done: Done) -> Refusal | None:
    """One rule's fixes, proved, written and committed; why they could not be committed."""
    report = migration.run(fix=True, rule=rule)
    held = tracked(migration.repository)
    if isinstance(held, Refusal):
        return held
    old = [change.path for change in report.changes if change.old is not None]
    outside = [Refusal(path, "is a file that git does not hold") for path in old if path.resolve() not in held]
    sources, refused = read_again(report.changes)
    report = account(report, [*refused, *outside])
    done.last[rule.name] = report
    if not report.changes:
        return None
    stuck = None if done.branched else start_branch(migration.repository)
    done.branched = stuck is None
    return stuck or _committed(migration, rule, report, sources, done)


def _committed(
    migration: Migration, rule: Rule, report: RunReport, sources: Mapping[Path, Source], done: Done
) -> Refusal | None:
    wrote = written(report, sources, Allow())
    if isinstance(wrote, tuple):
        return wrote[0]
    if not wrote.report.changes:
        return None
    told = Commit(rule.name, rule.summary, replace(wrote.report, written=True), migration.command(rule))
    paths = [change.path for change in told.report.changes]
    try:
        sha = commit(migration.repository, paths, message(told, migration.view))
    except KeyboardInterrupt:
        sha = Refusal(migration.repository.top, "interrupted")
    if isinstance(sha, Refusal):
        if wrote.run is not None:
            undo(wrote.run.record.run, wrote.run.root)
        return replace(sha, reason=f"the fixes of {rule.name} cannot be committed and are taken back: {sha.reason}")
    if wrote.run is not None:
        drop(wrote.run)  # git has it now
    done.last[rule.name] = told.report
    done.commits.append(replace(told, sha=sha))
    if not migration.quiet:
        put(sys.stderr, f"{sha[:9]} {told.title}\n")
    return None


# --- the whole ------------------------------------------------------------------------------------------------------


def whole(migration: Migration, done: Done) -> RunReport:
    """The migration told as one run: what was committed, and what is left after the last commit."""
    found = done.found or RunReport(migration.settings.root, 0)
    tried = done.last.items()
    own = [left for name, report in tried for left in report.left if left.finding.rule == name]
    others = [left for left in found.left if left.finding.rule not in done.last]
    reports = [told.report for told in done.commits]
    return replace(
        found,
        fixed=tuple(fixed for report in reports for fixed in report.fixed),
        changes=tuple(change for report in reports for change in report.changes),
        carriers=found.carriers or tuple(_carriers(reports)),
        taken_back=(*found.taken_back, *(back for _, report in tried for back in report.taken_back)),
        left=(*own, *others),
        skipped=tuple(dict.fromkeys([*found.skipped, *(one for _, report in tried for one in report.skipped)])),
        written=any(told.sha for told in done.commits),
        seconds=time.monotonic() - done.started,
    )


def _carriers(reports: Iterable[RunReport]) -> Iterator[Carrier]:
    """Each class as the last commit that fixed something in it left it, with what it failed with at first."""
    met: dict[object, Carrier] = {}
    for carrier in (carrier for report in reports for carrier in report.carriers):
        first = met.get(carrier.subject)
        if first is not None:
            verdict = replace(carrier.verdict, before=first.verdict.before)
            carrier = replace(carrier, fixes=(*first.fixes, *carrier.fixes), verdict=verdict)
        met[carrier.subject] = carrier
    yield from met.values()
