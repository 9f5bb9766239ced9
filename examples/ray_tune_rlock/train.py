"""Tune a learning rate with Ray; the threads of a trial add up their gradients under a lock."""

import _thread
import itertools
import tempfile
from concurrent.futures import ThreadPoolExecutor

import ray
from ray import tune

POINTS = [(x, 3.0 * x) for x in range(1, 9)]

lock = _thread.RLock()


def train(config):
    """Fit y = w * x to POINTS."""
    weight = 0.0
    gradients = []

    def add(point, weight):
        x, y = point
        with lock:
            gradients.append(2 * x * (weight * x - y))

    with ThreadPoolExecutor(2) as threads:
        for _ in range(10):
            gradients.clear()
            list(threads.map(add, POINTS, itertools.repeat(weight)))
            weight -= config["rate"] * sum(gradients) / len(gradients)
            tune.report({"error": abs(weight - 3.0)})


def main():
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as storage:
        tuner = tune.Tuner(
            train,
            param_space={"rate": 0.03},
            run_config=tune.RunConfig(name="rlock", storage_path=storage, verbose=0),
        )
        result = tuner.fit()[0]
    if result.error:
        raise SystemExit(f"the trial failed: {result.error}")
    steps, error = result.metrics["training_iteration"], result.metrics["error"]
    print(f"trial finished after {steps} steps, error {error:.4f}")
    ray.shutdown()


if __name__ == "__main__":
    main()
