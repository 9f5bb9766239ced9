import threading

from dask.distributed import Client


class Model:
    def __init__(self, weight=2):
        self.weight = weight
        self.lock = threading.Lock()

    def predict(self, number):
        with self.lock:
            return self.weight * number


def main():
    model = Model()
    with Client(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        print(client.gather(client.map(model.predict, [1, 2, 3], pure=False)))


if __name__ == "__main__":
    main()
