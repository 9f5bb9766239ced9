import threading
from concurrent.futures import ProcessPoolExecutor


class Counter:
    def __init__(self, start=100):
        self.lock = threading.Lock()
        self.value = start

    def add(self, amount):
        with self.lock:
            self.value += amount
        return self.value


def main():
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(Counter().add, [1, 2])))


if __name__ == "__main__":
    main()
