"""The child of the proof: pickle subjects in one fresh interpreter, load them in another.

`python probe.py dump|load FOLDER`, with the user's own interpreter, any CPython from 3.8. What a child does is in
`child/`, beside this file: it imports the standard library alone, and nobody of ours imports it. The module texts to be
proved come with the first request and are served by an import hook, so nothing is ever written beside the user's code.

Requests come as JSON into FOLDER: 0.json, 1.json and so on, answers go to 0.jsonl and so on. One line of JSON is
appended and closed per step, before the next one begins: a subject that takes the interpreter down costs only itself.
Lines are {"ready": pid}, {"importing": module}, {"imported": module}, {"begin": id}, {"done": id, "stage": ...} with
the stage that failed and its error, or what was dumped or crossed, and at the end {"idle": true}.
"""

from __future__ import annotations

import sys

# The directory of this file is the prover's own package: none of its names may answer an import of the user's.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import gc
import importlib
import os
import types

# Importing makes many objects that stay. Looking at all of them again and again takes a twelfth of a child's time.
gc.set_threshold(50_000, 20, 20)


def house() -> types.ModuleType:
    """This folder, as a package under a name that is nobody else's, and in it what a child does."""
    name = "_fixpickle_verify"
    package = types.ModuleType(name)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[name] = package
    return importlib.import_module(name + ".child.run")


if __name__ == "__main__":
    run = house()
    # What user code sees as __main__ must not be this file: it is another program there, in the worker as here.
    probe, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
    status = 1
    try:
        run.main(*sys.argv[1:])
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(status)  # threads and exit handlers of user code are not part of the proof
