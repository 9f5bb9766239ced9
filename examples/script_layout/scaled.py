#!/usr/bin/env python3
"""Scales numbers by an argument that workers read."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--factor", type=int, default=2)
parser.add_argument("numbers", type=int, nargs="*", default=[3, 4])
arguments = parser.parse_args()


def scaled(number: int) -> int:
    return number * arguments.factor


print("by", arguments.factor)
with ProcessPoolExecutor(1) as executor:
    print(list(executor.map(scaled, arguments.numbers)))
