"""What every Python process of a traced program imports at its start, because this folder is first on PYTHONPATH.

Starts the recorder, and then runs the `sitecustomize` that this file hides, where there is one.
"""

import importlib
import importlib.machinery
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _record() -> None:
    if not os.environ.get("FIXPICKLE_TRACE"):
        return
    name = "_fixpickle_recorder"
    package = sys.modules[name] = type(sys)(name)
    package.__path__ = [os.path.join(os.path.dirname(_HERE), "recorder")]
    importlib.import_module(name + ".install").install(os.environ["FIXPICKLE_TRACE"])


def _hidden() -> None:
    """The sitecustomize of the environment, under the name that it has there."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    _record()
except Exception as error:  # the program runs in any case
    sys.stderr.write("fixpickle: nothing is recorded in process %d: %s\n" % (os.getpid(), error))
_hidden()
