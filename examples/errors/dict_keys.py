from concurrent.futures import ProcessPoolExecutor


class Table:
    def __init__(self, rows: dict[str, int]):
        self.rows = rows
        self.names = rows.keys()

    def wide(self, width):
        return [name for name in self.names if len(name) > width]


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(Table({"tea": 3, "coffee": 5}).wide, [2, 4])))
