"""Listening in on the question which fixes are wanted: what each of them changes, for a report that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fixpickle.model import Offer

Decide = Callable[[Sequence[Offer]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Album:
    """As the engine's port `decide`: keeps every offer in `kept`, hands the question on. With nobody to ask: yes."""

    ask: Decide | None
    kept: list[Offer] = field(default_factory=list)

    def __call__(self, offers: Sequence[Offer]) -> Sequence[bool]:
        self.kept.extend(offers)
        return [True] * len(offers) if self.ask is None else self.ask(offers)
