import ray
from ray import tune
import _thread

lock = _thread.RLock()


def trainable_function(config):
    for i in range(10):
        with lock:  # Problematic line: _thread.RLock is not picklable
            # ... some computationally expensive operation ...
            pass
        tune.report(metric=i)


ray.init()
tune.run(trainable_function, config={"param1": 10})
ray.shutdown()
