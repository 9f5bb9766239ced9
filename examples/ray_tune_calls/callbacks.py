"""A callback keeps a lock."""

import threading

import ray
from ray import tune


class Seen(tune.Callback):
    def __init__(self):
        self.lock = threading.Lock()
        self.seen = 0

    def on_trial_result(self, iteration, trials, trial, result, **info):
        with self.lock:
            self.seen += 1


def train(config):
    tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    seen = Seen()
    results = tune.Tuner(train, param_space={"x": 1}, run_config=tune.RunConfig(callbacks=[seen])).fit()
    print("DONE", results[0].metrics["loss"], seen.seen)
    ray.shutdown()
