"""Trap 1: an instance whose class is not global. The parcels cannot reach the pool's workers."""

import multiprocessing


def load_parcels():
    class Parcel:
        def __init__(self, name, grams):
            self.name = name
            self.grams = grams

    return [Parcel("book", 400), Parcel("lamp", 2300)]


def postage(parcel):
    return f"{parcel.name}: {3 + parcel.grams // 500} EUR"


if __name__ == "__main__":
    parcels = load_parcels()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(postage, parcels))
