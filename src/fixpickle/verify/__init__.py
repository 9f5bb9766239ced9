"""The proof: patches in, verdicts out. User code runs in child processes only."""

from fixpickle.verify.afar import Crew
from fixpickle.verify.prove import Prover, examine, prove

__all__ = ["Crew", "Prover", "examine", "prove"]
