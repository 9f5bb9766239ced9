import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def square(number):
    return number * number


context = multiprocessing.get_context("spawn")
with ProcessPoolExecutor(2, mp_context=context) as pool:
    print(list(pool.map(square, [3, 4])))
