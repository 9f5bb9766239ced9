"""All of the trainable pickled by hand: Ray keeps locks of its own there."""

import os
import pickle

import ray
from ray import tune


class Mine(tune.Trainable):
    def setup(self, config):
        self.x = config["x"]

    def step(self):
        self.x += 1
        return {"loss": self.x, "done": self.x > 3}

    def save_checkpoint(self, folder):
        with open(os.path.join(folder, "state.pkl"), "wb") as file:
            pickle.dump(self.__dict__, file)

    def load_checkpoint(self, folder):
        with open(os.path.join(folder, "state.pkl"), "rb") as file:
            self.__dict__.update(pickle.load(file))


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(Mine, config={"x": 1}, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True), verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
