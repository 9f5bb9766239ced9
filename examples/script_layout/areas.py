"""All of it stands under the main guard, which workers pass over."""

from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    import math
    from enum import Enum

    class Unit(Enum):
        METRE = "m"
        FOOT = "ft"

    DIGITS = 1

    class Circle:
        """A circle, with its
        unit."""

        def __init__(self, radius, unit=Unit.METRE):
            self.radius, self.unit = radius, unit

        def area(self):
            return f"{round(math.pi * self.radius**2, DIGITS)} {self.unit.value}2"

    def area_of(circle):
        return circle.area()

    circles = [Circle(1), Circle(2, Unit.FOOT)]
    with ProcessPoolExecutor(1) as executor:
        print(list(executor.map(area_of, circles)))
