"""The proof: patches in, verdicts out. User code runs in child processes only."""

from fixpickle.verify.prove import Ground, prove

__all__ = ["Ground", "prove"]
