"""Counts the digits of large numbers in workers, and draws a straight line through the counts with scikit-learn.

The workers only count. They import scikit-learn all the same, because the module they find `digits` in does.
"""

import multiprocessing
import sys

from sklearn.linear_model import LinearRegression


def digits(exponent):
    return len(str(3**exponent)), "sklearn" in sys.modules


def slope(exponents, counts):
    line = LinearRegression().fit([[x] for x in exponents], counts)
    return line.coef_[0]


def main():
    exponents = list(range(100, 400, 50))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(digits, exponents)
    print(f"slope {slope(exponents, [count for count, _ in found]):.3f}")
    if any(loaded for _, loaded in found):
        sys.exit("the workers imported scikit-learn for nothing")
    print("the workers did without scikit-learn")


if __name__ == "__main__":
    main()
