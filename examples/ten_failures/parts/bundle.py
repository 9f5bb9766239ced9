"""A local function that a worker would have to return."""

from concurrent.futures import ProcessPoolExecutor


def scaled(factor):
    def scale(value):
        return value * factor

    return scale


def main():
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(scaled, 3).result()(5)
