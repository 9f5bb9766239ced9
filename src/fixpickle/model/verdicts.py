"""What came of a proof, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixpickle.model.findings import Patch


@dataclass(frozen=True, slots=True)
class Proved:
    """The subject crossed from one fresh interpreter to another. `how` says which subject; `before` how it failed.

    `unexercised` says what was not tried of it.
    """

    how: str
    before: str
    unexercised: str = ""


@dataclass(frozen=True, slots=True)
class Refuted:
    """The patch broke something, or left its subject unpicklable."""

    reason: str
    before: str


@dataclass(frozen=True, slots=True)
class Unproved:
    """Nothing could be exercised, and why."""

    reason: str
    before: str = ""


Verdict = Proved | Refuted | Unproved


Overlay = Mapping[Path, str]
"""Texts that stand in for files on disk, or for files that do not exist yet."""


Compose = Callable[[Sequence[Patch]], Overlay]
"""The texts with just these patches applied, new files included."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the patched modules live. Paths are absolute.

    `roots` are the import roots, first wins, that go before everything else on `sys.path`. `scripts` maps dotted names
    to the files whose top level does work: a proof runs only the definitions it needs of them. `notebooks` are those
    that are to change, with their code as it stands. `shippers` are classes, as `module:Class`, whose instances are
    known to be pickled by a library at some place, with its name.
    """

    roots: tuple[Path, ...]
    scripts: Mapping[str, Path] = field(default_factory=dict)
    notebooks: Mapping[Path, str] = field(default_factory=dict)
    shippers: Mapping[str, str] = field(default_factory=dict)
