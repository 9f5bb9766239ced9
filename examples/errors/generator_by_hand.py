from concurrent.futures import ProcessPoolExecutor


def total(numbers):
    return sum(numbers)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(pool.submit(total, [number * number for number in range(4)]).result())
