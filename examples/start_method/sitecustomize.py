"""Makes START_METHOD the default start method of this interpreter and its children, as a platform or release does.

A folder that is on PYTHONPATH: Python imports `sitecustomize` before anything else. The script itself stays as it is,
and may choose a start method of its own.
"""

import multiprocessing.context
import os

if "START_METHOD" in os.environ:
    chosen = multiprocessing.get_context(os.environ["START_METHOD"])
    multiprocessing.context._default_context._default_context = chosen
