"""A stopper keeps a lock, which fails in the middle of the run."""

import threading

import ray
from ray import tune


class Enough(tune.Stopper):
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def __call__(self, trial_id, result):
        with self.lock:
            self.count += 1
            return self.count > 2

    def stop_all(self):
        return False


def train(config):
    for i in range(10):
        tune.report({"loss": i})


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(train, config={"x": 1}, stop=Enough(), verbose=0)
    print("DONE", done.trials[0].status, done.trials[0].last_result["loss"])
    ray.shutdown()
