"""Trap 4, reading half: another process, another __main__."""

import pickle
from pathlib import Path

MODEL = Path(__file__).with_name("trap4_model.pickle")

if __name__ == "__main__":
    with MODEL.open("rb") as file:
        model = pickle.load(file)
    print("predicts", model.predict(20))
