"""Does a lock that was pickled keep other processes out? Here by the strategy file."""

import tempfile
import threading
from pathlib import Path

import counting


class Counter:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()  # fixpickle: strategy[file]

    def add(self, times):
        for _ in range(times):
            with self.lock:
                counting.add_one(self.path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "number")
        path.write_text("0")
        counting.race(Counter(path))
        counting.tell(path)
