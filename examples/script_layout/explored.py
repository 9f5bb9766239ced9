"""Grew from top to bottom, as explorations do: work, a definition, work again."""

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

random.seed(3)
heights = [random.randint(150, 200) for _ in range(4)]
print("heights", heights)


@dataclass
class Person:
    """Somebody of a height."""

    height: int

    def shoes(self):
        return round(self.height * RATIO)


people = [Person(height) for height in heights]
print("people", len(people))

# Shoes are about this much of a person.
RATIO = 0.24


def shoes(person):
    return person.shoes()


with ProcessPoolExecutor(2) as executor:
    print("shoes", list(executor.map(shoes, people)))


def total(numbers):
    return sum(numbers)


print("all", total(heights))
