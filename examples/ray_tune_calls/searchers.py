"""A searcher keeps a lock."""

import threading

import ray
from ray import tune
from ray.tune.search import Searcher


class Mine(Searcher):
    def __init__(self):
        super().__init__(metric="loss", mode="min")
        self.lock = threading.Lock()

    def suggest(self, trial_id):
        with self.lock:
            return {"x": 1}

    def on_trial_complete(self, trial_id, result=None, error=False):
        pass

    def save(self, checkpoint_path):
        pass

    def restore(self, checkpoint_path):
        pass


def train(config):
    tune.report({"loss": config["x"]})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    results = tune.Tuner(train, tune_config=tune.TuneConfig(search_alg=Mine(), metric="loss", mode="min")).fit()
    print("DONE", results[0].metrics["loss"])
    ray.shutdown()
