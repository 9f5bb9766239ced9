"""`--check-command`: the user's own check before and after, and which fixes are to blame for what it finds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixpickle.cli.terminal import Progress, complain
from fixpickle.cli.writing import read_again
from fixpickle.engine import Decide
from fixpickle.model import Change, Fixed, Offer, Refuted, RunReport, Settings, TakenBack
from fixpickle.source import encode
from fixpickle.verify.usercheck import Check, Checked

Again = Callable[[Decide, bool], RunReport]
"""The same run once more, with somebody else to decide which fixes are wanted, and proved or not."""


@dataclass(slots=True)
class UserCheck:
    """The user's check over one run, or over several of which each builds on what the last one wrote.

    It runs once before any fix, and after each run that fixes something, on copies of the tree. `first` is how it ended
    before any fix, `guilty` the fixes after which it fails, each with the reason.
    """

    settings: Settings
    progress: Progress
    first: Checked | None = None
    guilty: dict[str, str] = field(default_factory=dict)

    def kept(self, report: RunReport, again: Again) -> RunReport:
        """The run without the fixes after which the check fails and before which it did not.

        Where it fails before any fix, that is said and the fixes stay, unless proof is required.
        """
        report = self._without(report, again)
        if not self.settings.check_command or not report.fixed:
            return report
        settings = self.settings
        check = Check(settings.check_command, settings.python, settings.root.resolve(), Path.cwd().resolve())
        trial = _Trial(check, again, self.progress)
        if self.first is None:
            self.progress("running the check", 0, 1)
            self.first = trial.of(())
            if self.first.failure and not settings.require_proof:
                where = ", on a copy of the project without its .git" if (check.root / ".git").exists() else ""
                said = f"`{check.command}` {self.first.failure} before any fix{where}, so it tells nothing of them"
                complain(f"{said}:\n{self.first.tail}")
        if self.first.failure:
            reason = f"`{check.command}` {self.first.failure} before any fix, and proof is required"
            self.guilty |= dict.fromkeys(map(_key, report.fixed), reason) if settings.require_proof else {}
            return self._without(report, again)
        trial = replace(trial, seconds=60 + 10 * self.first.seconds)
        last = trial.of_report(report)
        if last.failure:
            reason = f"`{check.command}` passes without it and {last.failure} with it:\n{last.tail}"
            self.guilty |= dict.fromkeys(trial.guilty((), sorted(set(map(_key, report.fixed))), last), reason)
        return self._without(report, again)

    def _without(self, report: RunReport, again: Again) -> RunReport:
        """The run without the fixes that are guilty, which are reported as taken back."""
        kept = {_key(fixed) for fixed in report.fixed} - self.guilty.keys()
        guilty = [fixed for fixed in report.fixed if _key(fixed) in self.guilty]
        if not guilty:
            return report
        after = again(_only(kept), True) if kept else replace(report, fixed=(), carriers=(), changes=())
        back = [TakenBack(one.patch, Refuted(self.guilty[_key(one)], one.verdict.before)) for one in guilty]
        return replace(
            after, taken_back=(*report.taken_back, *back), left=report.left, seconds=report.seconds + after.seconds
        )


@dataclass(frozen=True, slots=True)
class _Trial:
    check: Check
    again: Again
    progress: Progress
    seconds: float | None = None

    def of(self, keys: Collection[str]) -> Checked:
        """The check with just the fixes of these fingerprints."""
        return self.of_report(self.again(_only(keys), False)) if keys else self._run(())

    def of_report(self, report: RunReport) -> Checked:
        return self._run(report.changes)

    def guilty(self, held: Sequence[str], suspects: Sequence[str], failed: Checked | None = None) -> frozenset[str]:
        """Those of `suspects` without which the check passes, `held` and the others in place."""
        if not suspects or (failed is None and not self.of((*held, *suspects)).failure):
            return frozenset()
        if len(suspects) == 1:
            return frozenset(suspects)
        half = len(suspects) // 2
        self.progress("looking for the fix that breaks the check, of", 0, len(suspects))
        first = self.guilty(held, suspects[:half])
        rest = [key for key in suspects[:half] if key not in first]
        return first | self.guilty((*held, *rest), suspects[half:])

    def _run(self, changes: Sequence[Change]) -> Checked:
        sources, _ = read_again(changes)
        files: dict[Path, bytes] = {}
        for change in changes:
            data = encode(change.new, sources[change.path]) if change.path in sources else change.new.encode()
            if isinstance(data, bytes):
                files[change.path.resolve()] = data
        roots = frozenset(_import_root(path) for path in files)
        return self.check.run(files, roots, self.seconds)


def _only(keys: Collection[str]) -> Decide:
    def decide(offers: Sequence[Offer]) -> list[bool]:
        return [_key(offer.fixed) in keys for offer in offers]

    return decide


def _key(fixed: Fixed) -> str:
    return fixed.patch.finding.fingerprint


def _import_root(path: Path) -> Path:
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder
