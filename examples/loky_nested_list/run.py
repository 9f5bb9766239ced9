"""Send a function inside a list of lists to a loky worker: python run.py [pickle|cloudpickle]"""

import sys

from loky import get_reusable_executor, set_loky_pickler


def call_function(function, value):
    """Unwrap `function` from the lists around it and call it."""
    while isinstance(function, list):
        function = function[0]
    return function(value)


def double(value):
    return 2 * value


def main():
    pickler = sys.argv[1] if len(sys.argv) > 1 else "pickle"
    set_loky_pickler(pickler)
    executor = get_reusable_executor(max_workers=1)
    answer = executor.submit(call_function, [[double]], 21).result()
    print(f"{pickler}: {answer}")
    executor.shutdown()


if __name__ == "__main__":
    main()
