"""What was found, and the change that would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fixpickle.model.reach import Reach, Safety
from fixpickle.model.sources import Span
from fixpickle.model.subjects import Subject


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that cannot cross a process boundary, and why it is believed to have to.

    `reason` says why there is no fix, and is empty where there is one. `fingerprint` is 16 hexadecimal digits that stay
    the same while lines move: it is made of the rule, the path below the root, the message and the code.
    """

    rule: str
    path: Path
    span: Span
    message: str
    reach: Reach
    safety: Safety = Safety.SAFE
    reason: str = ""
    fingerprint: str = ""

    @property
    def fixable(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the characters `start` to `end` of `path`; equal offsets insert. `text` uses `\\n`."""

    path: Path
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class NewFile:
    """A file the fix brings along. Two patches may bring the same one."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One finding's whole change, kept or taken back as one, like a commit with one reason.

    `subjects` run from the strongest proof to the weakest. `notes` are what a reviewer must know.
    """

    finding: Finding
    edits: tuple[Edit, ...]
    new_files: tuple[NewFile, ...] = ()
    subjects: tuple[Subject, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> frozenset[Path]:
        return frozenset(e.path for e in self.edits) | frozenset(n.path for n in self.new_files)
