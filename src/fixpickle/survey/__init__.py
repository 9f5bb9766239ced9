"""Source -> Facts: one pass over a file with the standard library's `ast` and `symtable`."""

from fixpickle.survey.facts import Facts
from fixpickle.survey.pass_ import survey

__all__ = ["Facts", "survey"]
