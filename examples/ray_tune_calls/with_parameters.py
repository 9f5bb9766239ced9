"""An object handed to `tune.with_parameters` keeps a lock."""

import threading

import ray
from ray import tune


class Data:
    def __init__(self):
        self.lock = threading.Lock()
        self.rows = [1, 2]


def train(config, data):
    with data.lock:
        tune.report({"loss": sum(data.rows)})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(tune.with_parameters(train, data=Data()), config={"x": 1}, verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
