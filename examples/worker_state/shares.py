"""Divides with six digits in joblib workers, where a warning is an error and a logger tells everything."""

import decimal
import logging
import sys
import warnings

from joblib import Parallel, delayed

log = logging.getLogger("shares")
COUNT = 40


def share(parts):
    """One of `parts` equal parts; whether a warning is an error here; whether the logger tells details."""
    try:
        warnings.warn(f"1/{parts} is rounded", ImportWarning, stacklevel=1)
        strict = False
    except ImportWarning:
        strict = True
    return str(decimal.Decimal(1) / parts), strict, log.isEnabledFor(logging.DEBUG)


def main():
    log.setLevel(logging.DEBUG)
    warnings.simplefilter("error", ImportWarning)
    decimal.getcontext().prec = 6
    here = [share(parts) for parts in range(3, COUNT + 3)]
    there = Parallel(n_jobs=2)(delayed(share)(parts) for parts in range(3, COUNT + 3))
    wrong = sum(one != other for one, other in zip(here, there))
    if wrong:
        sys.exit(f"{wrong} of {COUNT} tasks: {there[0]} instead of {here[0]}")
    print(f"{COUNT} of {COUNT} tasks as in the parent: {there[0]}")


if __name__ == "__main__":
    main()
