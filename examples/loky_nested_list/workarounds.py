"""Send a function in a list of lists to a worker, with the workarounds that the documentation of loky shows."""

import sys

from loky import get_reusable_executor, set_loky_pickler, wrap_non_picklable_objects


def call_function(function, value):
    """Unwrap `function` from the lists around it and call it."""
    while isinstance(function, list):
        function = function[0]
    return function(value)


@wrap_non_picklable_objects
def double(value):
    """Twice the value."""
    return 2 * value


if __name__ == "__main__":
    set_loky_pickler("cloudpickle")
    executor = get_reusable_executor(max_workers=1)
    print(executor.submit(call_function, [[double]], 21).result())
    if double.__doc__ is None:
        sys.exit("the wrapper hides what double does")
    print(double.__doc__)
