"""A type that goes by another name than the one it is bound to."""

import multiprocessing
from collections import namedtuple

Point = namedtuple("P", "x y")


def moved(point):
    return point.x + point.y


def main():
    with multiprocessing.Pool(1) as pool:
        return pool.map(moved, [Point(1, 2)])
