"""All of the trainable as its checkpoint: Ray keeps locks of its own there."""

import ray
from ray import tune


class Mine(tune.Trainable):
    def setup(self, config):
        self.x = config["x"]

    def step(self):
        self.x += 1
        return {"loss": self.x, "done": self.x > 3}

    def save_checkpoint(self, folder):
        return self.__dict__

    def load_checkpoint(self, state):
        self.x = state["x"]


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    done = tune.run(Mine, config={"x": 1}, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True), verbose=0)
    print("DONE", done.trials[0].status)
    ray.shutdown()
