"""What other scripts map with."""

from concurrent.futures import ProcessPoolExecutor


def mapped(function, values):
    with ProcessPoolExecutor(1) as executor:
        return list(executor.map(function, values))
