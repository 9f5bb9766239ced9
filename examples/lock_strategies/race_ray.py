"""Does a lock that was pickled keep the other tasks of a Ray cluster out? Here by the strategy ray."""

import tempfile
import threading
from pathlib import Path

import ray

import counting


class Counter:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()  # fixpickle: strategy[ray]

    def add(self, times):
        for _ in range(times):
            with self.lock:
                counting.add_one(self.path)


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "number")
        path.write_text("0")
        counter, work = Counter(path), ray.remote(counting.work)
        ray.get([work.remote(counter) for _ in range(counting.PROCESSES)])
        counting.tell(path)
