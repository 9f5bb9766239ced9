import ray
from ray import tune
from multiprocessing import Lock

lock = Lock()  # Using multiprocessing.Lock instead


def trainable_function(config):
    for i in range(10):
        with lock:
            # ... some computationally expensive operation ...
            pass
        tune.report(metric=i)


ray.init()
tune.run(trainable_function, config={"param1": 10})
ray.shutdown()
