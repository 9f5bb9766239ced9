"""A function given to `tune.with_resources` reads a global lock."""

import threading

import ray
from ray import tune

lock = threading.Lock()


def train(config):
    with lock:
        tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    results = tune.Tuner(tune.with_resources(train, {"cpu": 1}), param_space={"x": 1}).fit()
    print("DONE", results[0].metrics["loss"])
    ray.shutdown()
