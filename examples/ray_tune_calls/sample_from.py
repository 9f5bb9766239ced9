"""The object that `tune.sample_from` is given keeps a lock."""

import threading

import ray
from ray import tune


class Draw:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, spec):
        with self.lock:
            return 3


def train(config):
    tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    results = tune.Tuner(train, param_space={"x": tune.sample_from(Draw())}).fit()
    print("DONE", results[0].metrics["loss"])
    ray.shutdown()
