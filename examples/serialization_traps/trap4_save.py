"""Trap 4, writing half: the class lives in this script's __main__, and so only this script can load it."""

import pickle
from pathlib import Path

MODEL = Path(__file__).with_name("trap4_model.pickle")


class Line:
    def __init__(self, slope, offset):
        self.slope = slope
        self.offset = offset

    def predict(self, x):
        return self.slope * x + self.offset


if __name__ == "__main__":
    with MODEL.open("wb") as file:
        pickle.dump(Line(slope=2, offset=1), file)
    print("saved", MODEL.name)
