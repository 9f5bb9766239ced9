"""Validates a pipeline that has a lock in one of its parameters."""

from steps import Counting, Days, Meter, letters
from tpcp.validate import validate

if __name__ == "__main__":
    print(validate(Counting(Meter()), Days(), scoring=letters, n_jobs=2)["agg__letters"])
