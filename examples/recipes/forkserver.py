import multiprocessing
import threading


class Scaler:
    """Counts what it has scaled; threads share it."""

    def __init__(self, factor=3):
        self.factor = factor
        self.lock = threading.Lock()
        self.done = 0

    def scale(self, number):
        with self.lock:
            self.done += 1
        return self.factor * number


def main():
    # The default on Linux from Python 3.14. Up to 3.13 it was fork, which pickles less.
    context = multiprocessing.get_context("forkserver")
    scaler = Scaler()
    with context.Pool(2) as pool:
        print(pool.map(scaler.scale, [1, 2]))
        print(pool.map(lambda number: number + scaler.factor, [1, 2]))


if __name__ == "__main__":
    main()
