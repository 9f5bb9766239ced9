"""What was found out between runs: the facts of a file by its content, and what a check of a whole tree said.

It is never needed. What cannot be read, was cut short, or was written by somebody else counts as not there, and what
cannot be written is left out. It holds data alone, see :mod:`fixpickle.cache.codec`.
"""
