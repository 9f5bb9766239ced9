"""Trap 3: lambdas. None of the three has a name that a worker could look up."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

SPAWN = multiprocessing.get_context("spawn")

ROUNDING = {
    "cents": lambda price: round(price, 2),
    "euros": lambda price: float(round(price)),
}


def reduced(prices, percent):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        return list(pool.map(lambda price: price * (100 - percent) / 100, prices))


def rounded(prices, unit):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        return list(pool.map(ROUNDING[unit], prices))


if __name__ == "__main__":
    sale = reduced([9.99, 24.5], percent=15)
    print("cents", rounded(sale, "cents"))
    print("euros", rounded(sale, "euros"))
