import functools
from concurrent.futures import ProcessPoolExecutor


def logged(function):
    @functools.wraps(function)
    def call(*args):
        print("calling", function.__name__)
        return function(*args)

    return call


def square(number):
    return number * number


loud_square = logged(square)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(loud_square, [3, 4])))
