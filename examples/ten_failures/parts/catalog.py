"""A view of a dictionary, kept on an instance."""

import pickle


class Catalog:
    def __init__(self, prices):
        self.names = dict(prices).keys()

    def count(self):
        return len(list(self.names))


def main():
    return pickle.loads(pickle.dumps(Catalog({"tea": 2, "milk": 1}))).count()
