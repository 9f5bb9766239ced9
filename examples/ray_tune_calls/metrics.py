"""A lock among the metrics: it would reach nobody, so its author has to say what is meant."""

import threading

import ray
from ray import tune


def train(config):
    lock = threading.Lock()
    tune.report({"loss": config["x"], "lock": lock})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(train, config={"x": 1}, verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
