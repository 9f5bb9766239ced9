"""Squares numbers in two processes: the first script that everybody writes."""

from concurrent.futures import ProcessPoolExecutor


def squared(number):
    return number**2


with ProcessPoolExecutor(2) as executor:
    print(list(executor.map(squared, range(5))))
