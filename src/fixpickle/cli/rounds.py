"""What a person answered in one round of fixes, and what the answers say about the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from fixpickle.model import Offer, Proved


class Answer(str, Enum):
    """What was decided about one fix. UNASKED: it was left because the person stopped before it came up."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Orders:
    """What was answered for more than one fix. It holds for later rounds.

    `rules` are accepted, "" stands for each of them; True beside one says: unproved fixes too. `files` are left.
    """

    rules: frozenset[tuple[str, bool]] = frozenset()
    files: frozenset[Path] = frozenset()
    over: bool = False

    def answer(self, offer: Offer) -> Answer | None:
        """What they say to a fix; None where a person has to."""
        finding = offer.fixed.patch.finding
        if self.over:
            return Answer.UNASKED
        if finding.path in self.files:
            return Answer.DECLINED
        enough = {True} if not is_proved(offer) else {True, False}
        accepted = any((name, unproved) in self.rules for name in (finding.rule, "") for unproved in enough)
        return Answer.ACCEPTED if accepted else None


@dataclass(frozen=True, slots=True)
class Round:
    """One round's offers and the answers so far, None where there is none yet. `before` is the state `b` leads to."""

    offers: tuple[Offer, ...]
    answers: tuple[Answer | None, ...]
    orders: Orders
    edited: frozenset[Path]
    before: Round | None = None

    @property
    def at(self) -> int | None:
        """The fix that is to be asked about."""
        return self.answers.index(None) if None in self.answers else None

    def filled(self) -> Round:
        """With the answers that the orders give."""
        told = tuple(a or self.orders.answer(o) for a, o in zip(self.answers, self.offers, strict=True))
        return replace(self, answers=told)

    def next(self, answer: Answer | None, orders: Orders, edited: frozenset[Path] = frozenset()) -> Round:
        """One answer later."""
        at = self.answers.index(None)
        answers = (*self.answers[:at], answer, *self.answers[at + 1 :])
        return Round(self.offers, answers, orders, self.edited | edited, before=self).filled()


def is_proved(offer: Offer) -> bool:
    """Whether the fix was seen to work."""
    return isinstance(offer.fixed.verdict, Proved)
