"""A trial as older tutorials had it: it saves before each report, and another one goes on from what was saved."""

import json
import os

import ray
from ray import tune


def train(config, checkpoint_dir=None):
    state = {"weight": 0.0}
    if checkpoint_dir:
        with open(os.path.join(checkpoint_dir, "state.json")) as file:
            state = json.load(file)

    for step in range(4):
        state["weight"] += config["rate"]
        with tune.checkpoint_dir(step=step) as folder:
            with open(os.path.join(folder, "state.json"), "w") as file:
                json.dump(state, file)
        tune.report(weight=state["weight"])


if __name__ == "__main__":
    ray.init(num_cpus=1)
    first = tune.run(train, config={"rate": 0.1})
    second = tune.run(train, config={"rate": 0.1}, restore=first.trials[0].checkpoint.path)
    print("weights", *(round(run.trials[0].last_result["weight"], 1) for run in (first, second)))
    ray.shutdown()
