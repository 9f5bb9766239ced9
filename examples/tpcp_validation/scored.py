"""Validates with a scorer whose function is an object with a lock."""

from steps import Counting, Days, Score
from tpcp.validate import Scorer, validate

if __name__ == "__main__":
    print(validate(Counting(), Days(), scoring=Scorer(Score(), n_jobs=2))["agg__letters"])
