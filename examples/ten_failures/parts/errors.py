"""An exception that cannot be loaded where it arrives, and takes the whole pool with it."""

from concurrent.futures import ProcessPoolExecutor


class Refused(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


def work(code):
    raise Refused(code, "closed")


def main():
    with ProcessPoolExecutor(1) as pool:
        try:
            pool.submit(work, 4).result()
        except Refused as error:
            return error.code
