import multiprocessing


def keep(shared):
    global lock
    lock = shared


def add(number):
    with lock:
        return number + 1


if __name__ == "__main__":
    with multiprocessing.Pool(2, initializer=keep, initargs=(multiprocessing.Lock(),)) as pool:
        print(pool.map(add, [1, 2]))
