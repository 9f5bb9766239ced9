from collections import namedtuple
from multiprocessing import Pool

Row = namedtuple("Record", ["city", "degrees"])


def warmer(row):
    return Row(row.city, row.degrees + 1)


if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.map(warmer, [Row("Oslo", 4), Row("Rome", 17)]))
