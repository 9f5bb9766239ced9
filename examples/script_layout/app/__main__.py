"""Run as `python -m app`, which no worker imports."""

from concurrent.futures import ProcessPoolExecutor

from .words import WORDS

SUFFIX = "!"


class Shout:
    def __init__(self, word):
        self.word = word

    def __str__(self):
        return self.word.upper() + SUFFIX


def shouted(word):
    return str(Shout(word))


with ProcessPoolExecutor(1) as executor:
    print(" ".join(executor.map(shouted, WORDS)))
