"""Fetches its data above the guard, and so once more for each worker that is not forked."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.request import urlopen

LOG = Path(__file__).with_name("downloads.log")

with urlopen(Path(__file__).as_uri()) as answer, LOG.open("a") as log:
    log.write(f"{len(answer.read())} bytes\n")


def doubled(number):
    return 2 * number


if __name__ == "__main__":
    with ProcessPoolExecutor(1) as executor:
        print(list(executor.map(doubled, [1])))
    times = len(LOG.read_text().splitlines())
    LOG.unlink()
    sys.exit(f"downloaded {times} times instead of once" if times > 1 else 0)
