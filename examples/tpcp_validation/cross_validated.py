"""Cross-validates the same pipeline, a fold in each worker."""

from steps import Counting, Days, Meter, letters
from tpcp.optimize import DummyOptimize
from tpcp.validate import cross_validate

if __name__ == "__main__":
    optimizer = DummyOptimize(Counting(Meter()), ignore_potential_user_error_warning=True)
    print(cross_validate(optimizer, Days(), scoring=letters, cv=3, n_jobs=2)["test__agg__letters"])
