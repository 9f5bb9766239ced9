"""A lambda on an instance, handed to a task."""

from concurrent.futures import ProcessPoolExecutor


class Format:
    def __init__(self, digits):
        self.round = lambda number: round(number, digits)


def shown(form, number):
    return form.round(number)


def main():
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(shown, Format(1), 1.26).result()
