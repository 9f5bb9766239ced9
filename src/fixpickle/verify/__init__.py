"""The proof: patches in, verdicts out. User code runs in child processes only."""

from fixpickle.verify.prove import examine, prove

__all__ = ["examine", "prove"]
