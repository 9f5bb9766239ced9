"""From what happened before and after a change to a verdict on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import ByExpression, ByState, LokyTrip, Proved, Refuted, Unproved, Verdict
from fixpickle.verify.attempt import Attempt, Importing
from fixpickle.verify.exchange import Crossed, Failed, Trial

_WEAKER = ("obvious", "part")

# Stages at which nothing has been pickled yet.
_UNTRIED = frozenset({"import", "build", "hung", "died", "absent"})

# Of a workaround that goes: what it was for crosses with it and without it.
_NOT_NEEDED = "it crossed too, with the workaround in place"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt, on both sides of the change."""

    attempt: Attempt
    before: Trial
    after: Trial


def first(tried: Sequence[Attempt]) -> list[Attempt]:
    """What is tried at once: all but the weaker ways to make an instance, and values that one holds."""
    held = {value for a in tried for value in _held(a)}
    return [a for a in tried if a.manner not in _WEAKER and _value(a) not in held]


def weaker(tried: Sequence[Attempt], tries: Sequence[Try]) -> list[Attempt]:
    """What is tried next, after what was tried: the weaker ways to make an instance of what no stronger one decided.

    A class that can be called without arguments is not called with made-up ones. Where an instance failed before and
    crosses now, one that holds a single attribute has nothing to add, nor has the value of that attribute alone.
    """
    decided: set[object] = set()
    called = set()
    for one in tries:
        of = one.attempt.patch, one.attempt.subject
        if isinstance(one.before, Failed) and isinstance(one.after, Crossed):
            decided |= {of, *_held(one.attempt)}
        if one.attempt.manner == "constructor" and not _stage(one.after) == _stage(one.before) == "build":
            called.add(of)
    made = {one.attempt.key for one in tries}
    put_off = [a for a in tried if a.manner in _WEAKER or isinstance(a.subject, ByExpression)]
    left = [(a, (a.patch, a.subject)) for a in put_off if a.key not in made]
    undecided = [(a, of) for a, of in left if of not in decided and _value(a) not in decided]
    return [a for a, of in undecided if not (a.manner == "obvious" and of in called)]


def _held(a: Attempt) -> Iterator[object]:
    """The value that an instance holds where the fix put it."""
    if isinstance(a.subject, ByState):
        yield a.patch, ByExpression(a.subject.module, a.subject.before, a.subject.after, a.subject.pickler)


def _value(a: Attempt) -> object:
    return (a.patch, a.subject) if isinstance(a.subject, ByExpression) else None


def judge(tries: Sequence[Try]) -> Verdict:
    """The verdict on one patch, from all that was tried for it, strongest first.

    What worked before and is broken now refutes it, whatever else crosses. Where a worker lacked something, nothing
    that it said counts.
    """
    for one in tries:
        for trial in (one.before, one.after):
            if isinstance(trial, Failed) and trial.stage == "lacking":
                return Unproved(trial.error)
    # A function can be built from its code where its module cannot be imported, so the import is asked about by itself.
    unimportable = {one.attempt.subject.module for one in tries if _cannot_import(one)}
    for one in tries:
        excused = one.attempt.subject.module in unimportable and _stage(one.after) == "import"
        if isinstance(one.after, Failed) and not excused and _broke(one.before, one.after):
            return Refuted(one.after.error, _said(one.before))
        if isinstance(one.after, Crossed) and (lost := _lost(one)):
            return Refuted(lost, _said(one.before))
    subjects = [one for one in tries if not isinstance(one.attempt.subject, Importing)]
    for one in subjects:
        if isinstance(one.after, Crossed) and (
            isinstance(one.before, Failed) or isinstance(one.attempt.subject, LokyTrip)
        ):
            before = one.before.error if isinstance(one.before, Failed) else _NOT_NEEDED
            if failed := one.after.also.get(one.attempt.boundary):
                return Unproved(f"it crosses with pickle, and not with {one.attempt.boundary}: {failed}", before)
            how = "; ".join(part for part in (one.attempt.how, one.after.note) if part)
            return Proved(how, before, one.attempt.unexercised)
    if any(isinstance(one.after, Crossed) for one in subjects):
        return Unproved("it already crossed before the change")
    failures = [(one, one.after) for one in subjects if isinstance(one.after, Failed)]
    for one, after in reversed(failures):
        if after.stage == "import" and one.attempt.subject.module in unimportable:
            continue
        if after.stage != "absent" and not (_untried(one.before) and after.stage in _UNTRIED):
            return Refuted(after.error, _said(one.before))
    for one, after in failures:
        return Unproved(after.error, _said(one.before))
    return _only_imported(tries)


def _lost(one: Try) -> str:
    """What else was tried, was well before, and is not any more."""
    for name, error in one.after.also.items():
        if error and one.before.also.get(name) == "":
            return f"{name}: {error}"
    return ""


def _cannot_import(one: Try) -> bool:
    return isinstance(one.attempt.subject, Importing) and _stage(one.before) == "import"


def _stage(trial: Trial) -> str:
    return trial.stage if isinstance(trial, Failed) else ""


def _broke(before: Trial, after: Failed) -> bool:
    if after.stage == "absent":
        return False
    if after.stage == "import":
        return not (isinstance(before, Failed) and before.stage in ("import", "absent"))
    return not _untried(before) and (isinstance(before, Crossed) or after.stage in _UNTRIED)


def _untried(trial: Trial) -> bool:
    return isinstance(trial, Failed) and trial.stage in _UNTRIED


def _said(before: Trial) -> str:
    return before.error if isinstance(before, Failed) else "it did not fail before"


def _only_imported(tries: Sequence[Try]) -> Unproved:
    for one in tries:
        if isinstance(one.after, Failed):
            return Unproved(one.after.error, _said(one.before))
    return Unproved("the fix names nothing to pickle as proof")
