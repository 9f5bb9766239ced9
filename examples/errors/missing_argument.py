from concurrent.futures import ProcessPoolExecutor


class OutOfStock(Exception):
    def __init__(self, item, wanted):
        super().__init__(f"{wanted} of {item} are not there")
        self.item = item


def take(item):
    raise OutOfStock(item, 3)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        try:
            pool.submit(take, "tea").result()
        except OutOfStock as error:
            print(error, "-", error.item)
