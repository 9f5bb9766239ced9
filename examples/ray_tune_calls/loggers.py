"""A logger callback keeps a lock."""

import threading

import ray
from ray import tune
from ray.tune.logger import LoggerCallback


class Mine(LoggerCallback):
    def __init__(self):
        self.lock = threading.Lock()
        self.rows = 0

    def log_trial_result(self, iteration, trial, result):
        with self.lock:
            self.rows += 1


def train(config):
    tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    mine = Mine()
    results = tune.Tuner(train, param_space={"x": 1}, run_config=tune.RunConfig(callbacks=[mine])).fit()
    print("DONE", results[0].metrics["loss"], mine.rows)
    ray.shutdown()
