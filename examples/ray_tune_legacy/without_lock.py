import ray
from ray import tune


def trainable_function(config):
    for i in range(10):
        # ... computationally expensive operation without locking ...
        # If the operation is inherently thread-safe, no lock is needed
        tune.report(metric=i)


ray.init()
tune.run(trainable_function, config={"param1": 10})
ray.shutdown()
