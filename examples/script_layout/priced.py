"""A constant under the guard: forked workers have it, others do not."""

from multiprocessing import Pool


def gross(net):
    return round(net * (1 + RATE / 100), 2)


if __name__ == "__main__":
    RATE = 19
    with Pool(1) as pool:
        print(pool.map(gross, [1, 10]))
