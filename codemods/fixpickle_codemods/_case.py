"""One finding about a lock as a strategy takes it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fixpickle.model import Finding, Source, Subject
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Construction, Facts

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__attrs_post_init__"})


@dataclass(frozen=True, slots=True)
class Case:
    """A finding, its file, and the construction it is about.

    `kind` is the counterpart's name, as in "RLock". `subjects` gives what to pickle as proof once the constructor reads
    as the callee it is given. `notes` say what the lock does not do in the other process.
    """

    finding: Finding
    shop: Workshop
    facts: Facts
    source: Source
    made: Construction
    kind: str
    notes: tuple[str, ...]
    subjects: Callable[[str], tuple[Subject, ...]]
