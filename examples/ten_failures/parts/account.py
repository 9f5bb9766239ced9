"""A lock on an instance, sent to a pool."""

import multiprocessing
import threading


class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()

    def after(self, amount):
        with self.lock:
            return self.balance + amount


def main():
    with multiprocessing.Pool(1) as pool:
        return pool.map(Account(10).after, [1, 2])
