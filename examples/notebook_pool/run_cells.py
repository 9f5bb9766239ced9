"""Runs the code cells of a notebook one after the other, as a kernel does: in a `__main__` that is no file.

Stands in for `jupyter execute comets.ipynb`, which needs Jupyter. Lines that begin with `%` are left out.
"""

import json
import sys
import types
from pathlib import Path

main = sys.modules["__main__"] = types.ModuleType("__main__")
for cell in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        lines = [line for line in cell["source"] if not line.startswith("%")]
        exec("".join(lines), vars(main))
