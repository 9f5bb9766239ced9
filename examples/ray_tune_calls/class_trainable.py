"""A method of a class trainable reads a global lock."""

import threading

import ray
from ray import tune

lock = threading.Lock()


class Mine(tune.Trainable):
    def setup(self, config):
        self.x = config["x"]

    def step(self):
        with lock:
            return {"loss": self.x, "done": True}

    def save_checkpoint(self, folder):
        return {"x": self.x}

    def load_checkpoint(self, state):
        self.x = state["x"]


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(Mine, config={"x": 1}, verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
