import json
from concurrent.futures import ProcessPoolExecutor


class Encoder:
    def __init__(self, indent):
        self.backend = json
        self.indent = indent

    def encode(self, value):
        return self.backend.dumps(value, indent=self.indent)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(Encoder(None).encode, [[1], {"a": 2}])))
