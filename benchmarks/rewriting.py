"""Whole packages rewritten as far as they can be: `python benchmarks/rewriting.py --python PY [PACKAGE ...]`.

Takes the wheels named in precision.toml, applies every fix to a copy of each, whatever its reach, unsafe ones too and
without proof, compiles every file and imports every module of the package, each in the order of its name, with an
interpreter that has the dependencies: before and after. A module that could be imported before and cannot be
afterwards is printed, and so is a file that does not compile; the exit code is 1 then. The rows are those of
docs/sameness.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from precision import fixpickle, unpacked, verdicts

# Imports what it can, and tells by JSON which modules those were. What a module prints or starts is its own affair.
_IMPORT_ALL = """
import importlib, json, os, pkgutil, sys
sys.path.insert(0, sys.argv[1])
package = importlib.import_module(sys.argv[2])
found, failed = [sys.argv[2]], {}
names = sorted(m.name for m in pkgutil.walk_packages(package.__path__, sys.argv[2] + ".", onerror=lambda name: None))
for name in names:
    if name.endswith("__main__") or ".tests" in name:
        continue
    try:
        importlib.import_module(name)
        found.append(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
with open(sys.argv[3], "w") as file:
    json.dump([package.__file__, found, failed], file)
os._exit(0)
"""


def importable(folder: Path, module: str, python: str, told: Path) -> tuple[set[str], dict[str, str]]:
    """The modules of a package in the folder that can be imported, and why others cannot.

    Raises RuntimeError where the package itself cannot, or another copy of it is found.
    """
    told.unlink(missing_ok=True)
    command = [python, "-c", _IMPORT_ALL, str(folder), module, str(told)]
    done = subprocess.run(command, cwd=told.parent, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL)
    if not told.exists():
        raise RuntimeError(f"{module} of {folder} cannot be imported: {done.stderr[-2000:]}")
    where, found, failed = json.loads(told.read_text("utf-8"))
    if where is None or not Path(where).is_relative_to(folder):
        raise RuntimeError(f"{where} was imported, which is not in {folder}")
    return set(found), failed


def rewrite(name: str, work: Path, python: str) -> bool:
    """Rewrites a copy of the package and prints its row; False where a file or an import got lost."""
    version, module = verdicts().packages[name]
    source, copy = unpacked(name, version, work), work / "rewritten-all" / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    before, _ = importable(copy, module, python, work / "imported.json")
    report = fixpickle(copy, "apply", "--isolated", "--reach", "any", "--unsafe-fixes", "--no-verify")
    compiled = subprocess.run([python, "-m", "compileall", "-q", "."], cwd=copy, capture_output=True, encoding="utf-8")
    after, failed = importable(copy, module, python, work / "imported.json")
    fixed, left = len(report["fixed"]), len(report["left"])  # type: ignore[arg-type]
    lost = sorted(before - after)
    good = compiled.returncode == 0 and not lost
    says = "all" if compiled.returncode == 0 else "**not all**"
    row = [f"{name} {version}", report["files"], fixed, left, says, len(before), len(before & after)]
    print(f"| {' | '.join(map(str, row))} |", flush=True)
    print(compiled.stdout, *(f"{one}: {failed.get(one, 'is gone')}" for one in lost), sep="\n", end="", flush=True)
    return good


def main() -> int:
    """Rewrites each package. The exit code is 1 where one does not compile and import as before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="all where none is named")
    parser.add_argument("--work", type=Path, default=Path("precision-work"), help="where the wheels are unpacked")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has their dependencies")
    options = parser.parse_args()
    print("| package | files | fixed | left | compiles | modules imported before | of these after |")
    print("|---|---|---|---|---|---|---|", flush=True)
    work = options.work.resolve()
    good = [rewrite(name, work, options.python) for name in options.packages or verdicts().packages]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
