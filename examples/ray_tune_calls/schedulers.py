"""A scheduler keeps a lock."""

import threading

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler


class Mine(FIFOScheduler):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def train(config):
    tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    results = tune.Tuner(
        train, param_space={"x": 1}, tune_config=tune.TuneConfig(scheduler=Mine(), metric="loss", mode="min")
    ).fit()
    print("DONE", results[0].metrics["loss"])
    ray.shutdown()
