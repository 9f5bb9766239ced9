"""Trap 5: a global function replaced at runtime. Nothing fails: the workers run the one that was replaced.

No rewrite is right here for everyone: only the author knows whether the workers should have the tax.
"""

import functools
import multiprocessing
import sys


def price(grams):
    return grams // 10


def with_tax(function):
    @functools.wraps(function)
    def taxed(grams):
        return function(grams) * 119 // 100

    return taxed


if __name__ == "__main__":
    price = with_tax(price)
    parcels = [400, 2300]
    here = [price(grams) for grams in parcels]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        workers = pool.map(price, parcels)
    print("prices here:      ", here)
    print("prices in workers:", workers)
    if workers != here:
        sys.exit("the workers ran the function as it was before it was replaced")
