"""Draws what `measured.py` keeps."""

import pickle
from pathlib import Path

with Path(__file__).with_name("series.pickle").open("rb") as file:
    for value in pickle.load(file):
        print("*" * value)
