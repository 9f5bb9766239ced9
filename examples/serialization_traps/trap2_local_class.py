"""Trap 2: a class defined inside a function. The class itself is what the workers are to call."""

import multiprocessing


def temperatures(celsius):
    class Reading:
        """One temperature in both units."""

        def __init__(self, value):
            self.celsius = value
            self.fahrenheit = value * 9 / 5 + 32

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(Reading, celsius)


if __name__ == "__main__":
    print([reading.fahrenheit for reading in temperatures([0, 25, 100])])
