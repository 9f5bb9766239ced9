from concurrent.futures import ProcessPoolExecutor


def discounted(prices, percent):
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(lambda price: price * (100 - percent) / 100, prices))


if __name__ == "__main__":
    print(discounted([10.0, 25.0], 20))
