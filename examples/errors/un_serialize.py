import loky


def square(number):
    return number * number


if __name__ == "__main__":
    loky.set_loky_pickler("pickle")
    executor = loky.get_reusable_executor(max_workers=2)
    print([executor.submit(square, number).result() for number in (3, 4)])
