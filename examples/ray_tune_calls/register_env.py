"""A function that makes environments reads a global lock, and is pickled when it is registered."""

import threading

import ray
from ray import tune

lock = threading.Lock()


def make(config):
    with lock:
        return object()


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False)
    tune.register_env("mine", make)
    print("DONE", "registered")
    ray.shutdown()
