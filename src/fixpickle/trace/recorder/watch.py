"""Which modules are patched, and when: as soon as they are imported, which is before anybody can use them."""

from __future__ import annotations

import importlib.machinery
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

# The module, and the function of ours that patches it, in a file that is loaded then.
PATCHES: Dict[str, str] = {
    "pickle": "picklers.patch_pickle",
    "copy": "picklers.patch_copy",
    "multiprocessing.reduction": "libraries.patch_reduction",
    "cloudpickle.cloudpickle": "libraries.patch_cloudpickle",
    "joblib.externals.cloudpickle.cloudpickle": "libraries.patch_cloudpickle",
    "ray.cloudpickle.cloudpickle": "libraries.patch_cloudpickle",
    "pyspark.cloudpickle.cloudpickle": "libraries.patch_cloudpickle",
    "dill._dill": "libraries.patch_dill",
    "loky.backend.reduction": "libraries.patch_dump",
    "joblib.externals.loky.backend.reduction": "libraries.patch_dump",
    "multiprocessing.util": "libraries.patch_util",
    "multiprocessing.pool": "libraries.patch_pool",
    "multiprocessing.queues": "libraries.patch_queues",
    "concurrent.futures.process": "libraries.patch_futures",
    "loky.process_executor": "libraries.patch_futures",
    "joblib.externals.loky.process_executor": "libraries.patch_futures",
}


def patch(module: Any) -> None:
    """Patch a module that is on the list."""
    file, _, function = PATCHES[module.__name__].partition(".")
    name = "%s.%s" % (__package__, file)
    __import__(name)
    getattr(sys.modules[name], function)(module)


class Watch:
    """First on sys.meta_path."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        run = loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            patch(module)

        loader.exec_module = exec_module
        return spec


def install() -> None:
    """Patch what is loaded already, and the others when they come."""
    for name in PATCHES:
        if name in sys.modules:
            patch(sys.modules[name])
    watch: Any = Watch()
    sys.meta_path.insert(0, watch)
