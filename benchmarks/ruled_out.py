"""How much of a tree a search through bytes could keep from being parsed: `python benchmarks/ruled_out.py TREE...`

A file with neither a lambda nor a definition inside a function has nothing for the rules that find most. Whether others
need it is another question: values go through its functions, and its classes are bases of others'. A file that has no
classes either makes no instances of its own. The last columns are the time of such a search and of `ast.parse`, in CPU
seconds for a megabyte, and what parsing no more than the rest would cost next to ruff, if all else were free.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from check import outside, ruff

WORDS = re.compile(rb"\blambda\b|^[ \t]+(?:async[ \t]+)?(?:def|class)\b", re.MULTILINE)


def kinds(tree: ast.AST) -> Iterator[str]:
    """What of the three a syntax tree has."""
    pending = [(tree, False)]
    for node, local in pending:
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if isinstance(node, ast.Lambda):
            yield "lambda"
        if function or isinstance(node, ast.ClassDef):
            yield "local" if local else "class" if isinstance(node, ast.ClassDef) else "function"
        pending += [(child, local or function) for child in ast.iter_child_nodes(node)]


def row(tree: Path) -> str:
    """The tree's row of the table."""
    size: Counter[str] = Counter()
    searching = parsing = 0.0
    for path in sorted(tree.rglob("*.py")):
        started = time.process_time()
        data = path.read_bytes()
        WORDS.search(data)
        searching += time.process_time() - started
        started = time.process_time()
        try:
            found = ast.parse(data)
        except (SyntaxError, ValueError):
            continue
        parsing += time.process_time() - started
        met = set(kinds(found))
        size["all"] += len(data)
        size["plain"] += 0 if met & {"lambda", "local"} else len(data)
        size["bare"] += 0 if met & {"lambda", "local", "class"} else len(data)
    command = [
        ruff(),
        "check",
        "--isolated",
        "--no-cache",
        "--quiet",
        "--exit-zero",
        "--select",
        "E731,B023",
        str(tree),
    ]
    peer = min(outside(command).cpu for _ in range(3))
    plain, bare, megabytes = size["plain"] / size["all"], size["bare"] / size["all"], size["all"] / 1e6
    rest = (1 - plain) * parsing / peer
    cells = (tree.name, f"{megabytes:.1f}", f"{plain:.0%}", f"{bare:.0%}")
    return (
        "| " + " | ".join((*cells, f"{searching / megabytes:.3f}", f"{parsing / megabytes:.3f}", f"{rest:.1f}")) + " |"
    )


def main() -> None:
    print(
        "| tree | MB | without lambdas and local definitions | nor classes | search | parsing | the rest, times ruff |"
    )
    print("|---|---|---|---|---|---|---|")
    for tree in map(Path, sys.argv[1:]):
        print(row(tree), flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"ruff failed: {error}") from None
