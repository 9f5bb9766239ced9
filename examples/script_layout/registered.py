"""Functions that a decorator collects, mutual references, and a pickle of the script's own that names `__main__`."""

import functools
import pickle
from concurrent.futures import ProcessPoolExecutor

STEPS = {}


def step(function):
    @functools.wraps(function)
    def inner(value):
        return function(value)

    STEPS[function.__name__] = inner
    return inner


@step
def even(number):
    return number == 0 or odd(number - 1)


@step
def odd(number):
    return number != 0 and even(number - 1)


def run(name, number):
    return name, STEPS[name](number)


kept = pickle.dumps(even)
print("__main__" in str(kept), pickle.loads(kept)(2))
with ProcessPoolExecutor(1) as executor:
    print(list(executor.map(run, sorted(STEPS), [4, 4])))
