"""Send a function in a list of lists to a loky worker, with both of loky's picklers."""

from loky import get_reusable_executor, set_loky_pickler


def call_function(function, value):
    """Unwrap `function` from the lists around it and call it."""
    while isinstance(function, list):
        function = function[0]
    return function(value)


def double(value):
    return 2 * value


def answer():
    executor = get_reusable_executor(max_workers=1)
    return executor.submit(call_function, [[double]], 21).result()


if __name__ == "__main__":
    set_loky_pickler("pickle")
    print("pickle:", answer())
    set_loky_pickler("cloudpickle")
    print("cloudpickle:", answer())
