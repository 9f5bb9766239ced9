"""A process of its own class, and an exit code that says something."""

import sys
from multiprocessing import Process, Value


class Counter(Process):
    def __init__(self, text, found):
        super().__init__()
        self.text, self.found = text, found

    def run(self):
        with self.found.get_lock():
            self.found.value += sum(letter in VOWELS for letter in self.text)


VOWELS = frozenset("aeiou")


def main():
    found = Value("i", 0)
    counters = [Counter(text, found) for text in ("one", "two", "three")]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()
    print(found.value, "vowels")
    return found.value if all(counter.exitcode == 0 for counter in counters) else 1


sys.exit(main())
