"""Send a function in a list of lists to workers of loky and of the copy in joblib, with both of their picklers."""

import loky
from joblib.externals import loky as joblib_loky


def call_function(function, value):
    """Unwrap `function` from the lists around it and call it."""
    while isinstance(function, list):
        function = function[0]
    return function(value)


def double(value):
    return 2 * value


def answers():
    """From a worker of loky, and from one of joblib's copy: each has its own pickler."""
    mine = loky.get_reusable_executor(max_workers=1).submit(call_function, [[double]], 21)
    joblibs = joblib_loky.get_reusable_executor(max_workers=1).submit(call_function, [[double]], 21)
    return mine.result(), joblibs.result()


if __name__ == "__main__":
    print("default:", *answers())
    loky.set_loky_pickler("cloudpickle")
    joblib_loky.set_loky_pickler("cloudpickle")
    print("cloudpickle:", *answers())
    loky.set_loky_pickler("pickle")
    joblib_loky.set_loky_pickler("pickle")
    print("pickle:", *answers())
