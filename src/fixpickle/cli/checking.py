"""`--check-command`: the user's own check before and after, and which fixes are to blame for what it finds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cli.terminal import Progress, complain
from fixpickle.cli.writing import read_again
from fixpickle.engine import Decide
from fixpickle.model import Change, Fixed, Offer, Refuted, RunReport, Settings, TakenBack
from fixpickle.source import encode
from fixpickle.verify.usercheck import Check, Checked

Again = Callable[[Decide, bool], RunReport]
"""The same run once more, with somebody else to decide which fixes are wanted, and proved or not."""


def checked(report: RunReport, settings: Settings, again: Again, progress: Progress) -> RunReport:
    """The run without the fixes after which the user's check fails and before which it did not.

    The check runs on copies of the tree. Where it fails before any fix, that is said and the fixes stay, unless proof
    is required.
    """
    if not settings.check_command or not report.fixed:
        return report
    check = Check(settings.check_command, settings.python, settings.root.resolve(), Path.cwd().resolve())
    trial = _Trial(check, again, progress)
    progress("running the check", 0, 1)
    first = trial.of(())
    if first.failure:
        said = f"`{check.command}` {first.failure} before any fix"
        if not settings.require_proof:
            complain(f"{said}, so it tells nothing of them:\n{first.tail}")
            return report
        return _without(report, frozenset(map(_key, report.fixed)), f"{said}, and proof is required", again)
    trial = replace(trial, seconds=60 + 10 * first.seconds)
    last = trial.of_report(report)
    if not last.failure:
        return report
    guilty = trial.guilty((), sorted(set(map(_key, report.fixed))), last)
    reason = f"`{check.command}` passes without it and {last.failure} with it:\n{last.tail}"
    return _without(report, guilty, reason, again)


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


def _without(report: RunReport, guilty: Collection[str], reason: str, again: Again) -> RunReport:
    """The run without these fixes, which are reported as taken back."""
    kept = {_key(fixed) for fixed in report.fixed} - set(guilty)
    after = again(_only(kept), True) if kept else replace(report, fixed=(), carriers=(), changes=())
    back = [TakenBack(f.patch, Refuted(reason, f.verdict.before)) for f in report.fixed if _key(f) in guilty]
    return replace(
        after, taken_back=(*report.taken_back, *back), left=report.left, seconds=report.seconds + after.seconds
    )


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
