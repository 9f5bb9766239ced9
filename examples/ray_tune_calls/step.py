"""What `step` returns holds a lock."""

import threading

import ray
from ray import tune


class Mine(tune.Trainable):
    def setup(self, config):
        self.lock = threading.Lock()

    def step(self):
        return {"loss": 1, "done": True, "lock": self.lock}


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(Mine, config={"x": 1}, verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
