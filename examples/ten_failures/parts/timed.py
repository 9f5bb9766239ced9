"""A decorated function, which goes by the name of the decorator's."""

import multiprocessing


def timed(function):
    def wrapper(*args):
        return function(*args)

    return wrapper


def _double(value):
    return 2 * value


double = timed(_double)


def main():
    with multiprocessing.Pool(1) as pool:
        return pool.map(double, [1, 2])
