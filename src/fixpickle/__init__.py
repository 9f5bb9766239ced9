"""fixpickle: rewrites Python code that cannot cross a process boundary, and proves each rewrite by pickling it."""

__version__ = "0.1.0"
