"""An instance of a local class on a queue, which loses it without an error."""

import multiprocessing
import queue


def parcel(weight):
    class Parcel:
        pass

    made = Parcel()
    made.weight = weight
    return made


def main():
    sent = multiprocessing.Queue()
    sent.put(parcel(7))
    try:
        return sent.get(timeout=2).weight
    except queue.Empty:
        raise RuntimeError("nothing arrived") from None
