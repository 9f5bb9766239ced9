"""How far a proof is: counted in what children have answered, since nothing else of them is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Tally:
    """Tells how many of the steps of a proof are done. `what` is proved at the moment."""

    progress: Progress
    what: str = "proving"
    done: int = 0
    of: int = 0

    def begin(self, steps: int) -> None:
        self.done, self.of = 0, steps
        self.at(0)

    def did(self, steps: int) -> None:
        """So many more; more than there are is not told."""
        self.at(min(self.done + steps, self.of))

    def at(self, done: int) -> None:
        self.done = done
        if self.of:
            self.progress(self.what, self.done, self.of)


def silent() -> Tally:
    """One that nobody listens to."""
    return Tally(lambda _what, _done, _of: None)
