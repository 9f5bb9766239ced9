"""Keep scikit-learn's distance blocks under 1 MiB, here and in the workers."""

import sys

import joblib
import numpy
import sklearn

from measure import rows_per_block


def main():
    sklearn.set_config(working_memory=1)
    tables = [numpy.random.default_rng(seed).random((1000, 4)) for seed in range(4)]
    here = [rows_per_block(table) for table in tables]
    tasks = (joblib.delayed(rows_per_block)(table) for table in tables)
    workers = joblib.Parallel(n_jobs=2)(tasks)
    print("rows per block here:      ", here)
    print("rows per block in workers:", workers)
    if workers != here:
        sys.exit("the workers did not see working_memory=1")


if __name__ == "__main__":
    main()
