"""The proof: patches in, verdicts out. User code runs in child processes only."""

from fixpickle.verify.prove import prove

__all__ = ["prove"]
