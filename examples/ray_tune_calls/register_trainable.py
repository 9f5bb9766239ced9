"""A function that is registered as a trainable reads a global lock."""

import threading

import ray
from ray import tune

lock = threading.Lock()


def train(config):
    with lock:
        tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    tune.register_trainable("mine", train)
    done = tune.run("mine", config={"x": 1}, verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
