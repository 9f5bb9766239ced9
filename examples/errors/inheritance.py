import multiprocessing


def add(task):
    lock, number = task
    with lock:
        return number + 1


if __name__ == "__main__":
    lock = multiprocessing.Lock()
    with multiprocessing.Pool(2) as pool:
        print(pool.map(add, [(lock, 1), (lock, 2)]))
