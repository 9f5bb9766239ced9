"""The proof: patches in, verdicts out. User code runs in child processes only."""

from fixpickle.verify.afar import Each
from fixpickle.verify.prove import Prover, examine, prove

__all__ = ["Each", "Prover", "examine", "prove"]
