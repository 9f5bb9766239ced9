"""A command line made by fire: every function is a command."""

from concurrent.futures import ProcessPoolExecutor

import fire


def squared(number):
    return number**2


def squares(count):
    """The squares of as many numbers."""
    with ProcessPoolExecutor(1) as executor:
        return " ".join(map(str, executor.map(squared, range(count))))


fire.Fire()
