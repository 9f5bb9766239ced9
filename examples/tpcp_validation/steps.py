"""A dataset, a pipeline and a score, with locks in them."""

import threading

import pandas as pd
from tpcp import Dataset, Pipeline


class Days(Dataset):
    def create_index(self):
        return pd.DataFrame({"day": ["monday", "tuesday", "wednesday"]})


class Meter:
    """Counts letters, in one thread at a time."""

    def __init__(self):
        self.lock = threading.RLock()

    def letters(self, word):
        with self.lock:
            return len(word)


class Counting(Pipeline):
    def __init__(self, meter=None):
        self.meter = meter

    def run(self, datapoint):
        count = self.meter.letters if self.meter else len
        self.letters_ = count(datapoint.group_label.day)
        return self


def letters(pipeline, datapoint):
    return {"letters": pipeline.safe_run(datapoint).letters_}


class Score:
    """The same as `letters`, with a lock of its own."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, pipeline, datapoint):
        with self.lock:
            return letters(pipeline, datapoint)
