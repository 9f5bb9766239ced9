"""What a run found and did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fixpickle.model.findings import Finding, Patch
from fixpickle.model.sources import Refusal
from fixpickle.model.subjects import Instance
from fixpickle.model.verdicts import Refuted, Verdict


@dataclass(frozen=True, slots=True)
class Fixed:
    """A patch that was kept, and its verdict. `round` counts from 1: the edits of later ones are to changed texts."""

    patch: Patch
    verdict: Verdict
    round: int = 1


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A patch that was made and not kept: refuted by the proof, or by our own checks."""

    patch: Patch
    verdict: Refuted


@dataclass(frozen=True, slots=True)
class Left:
    """A finding that has no fix here, and why: refused, unsafe, or suppressed by nothing.

    It is the finding in the files as the run leaves them. `first` is the same one in the files as it found them; None
    where a fix uncovered it.
    """

    finding: Finding
    reason: str
    first: Finding | None = None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that is not acted on because somebody said so, in a comment or in the baseline, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A class whose instances carry what was fixed: the fixes they needed, and what becomes of an instance now.

    The verdict compares the files as the run found them with the files as it leaves them. Refuted says that an
    instance still does not cross, and names what is in the way by its path.
    """

    subject: Instance
    fixes: tuple[Finding, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after. `old` is None for a new file."""

    path: Path
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix that held, and what it alone changes in the files as they stand."""

    fixed: Fixed
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """All that one run found and did. `changes` is what was, or in a dry run would be, written.

    `stale` are the fingerprints of the baseline that no finding has any more. `offers` are there only where somebody
    asked to see what each fix changes.
    """

    root: Path
    files: int
    fixed: tuple[Fixed, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    left: tuple[Left, ...] = ()
    skipped: tuple[Refusal, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    stale: tuple[str, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    changes: tuple[Change, ...] = ()
    offers: tuple[Offer, ...] = ()
    written: bool = False
    python: str = ""
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """True where nothing is left for a person to do."""
        return not (self.left or self.taken_back or self.skipped)
