"""Starts its processes in another file, and changes the path to find one more."""

import sys
from math import sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from rounding import rounded

from parallel import mapped


def root(number):
    return rounded(sqrt(number))


print("roots", mapped(root, [1, 2, 3]))
