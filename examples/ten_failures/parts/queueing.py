"""A queue and a table with a default on one instance."""

import pickle
import queue
from collections import defaultdict


class Waiting:
    def __init__(self):
        self.calls = queue.Queue()
        self.seen = defaultdict(lambda: 0)


def main():
    waiting = Waiting()
    waiting.calls.put(1)
    return pickle.loads(pickle.dumps(waiting)).calls.qsize()
