"""How much libcst has to parse for a fix: `python benchmarks/splicing.py [TREE ...] [--rounds N] [--write]`.

Every lambda, function and class that can be lifted in the trees, whatever its reach, is fixed without proof. What
libcst was given for that is written down, and parsed once more, with the positions of all nodes, next to two other ways
to do the same: the whole module, once for all that is fixed in it, and the statement at module level that a definition
stands in, once for each statement. All three take turns, over the same files, in CPU seconds; the median of the rounds
counts. Without a TREE, three of the packages of precision.toml are downloaded.

The definitions alone are those of all rounds of the run, and the modules and statements those of its first: what is
done now counts in full.

`--write` replaces the table in docs/speed.md.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest import mock

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from precision import unpacked, verdicts

from fixpickle.api import fix
from fixpickle.model import Finding

PACKAGES = ("django", "nltk", "distributed")
RULES = ["lambda-value", "local-function", "local-class"]
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"
BEGIN, END = "<!-- splicing -->\n", "<!-- end of splicing -->\n"
WAYS = ("the module", "the statement at module level", "the definition alone")


@dataclass(frozen=True, slots=True)
class Tree:
    """What is fixed in a tree, and the texts that libcst parses for it in each way."""

    name: str
    files: int
    fixes: int
    pieces: Mapping[str, Sequence[str]]


def looked_at(folder: Path) -> Tree:
    """Fixes everything once, and gives what has to be parsed in each way."""
    alone: list[str] = []
    parse = cst.parse_module

    def noted(text: str, *options: object) -> cst.Module:
        alone.append(text)
        return parse(text)

    settings = {"verify": False, "cache": False, "reach": "any", "unsafe-fixes": True, "select": RULES}
    with mock.patch.object(cst, "parse_module", noted):
        report = fix([folder], settings)
    findings: dict[Path, list[Finding]] = {}
    for one in report.fixed:
        if one.round == 1:  # later ones are about files as the first round left them
            findings.setdefault(one.patch.finding.path, []).append(one.patch.finding)
    texts = {path: path.read_text("utf-8") for path in findings}
    statements = [s for path, found in findings.items() for s in _statements(texts[path], found)]
    pieces = dict(zip(WAYS, ([*texts.values()], statements, alone), strict=True))
    return Tree(folder.name, len(findings), sum(map(len, findings.values())), pieces)


def _statements(text: str, findings: Sequence[Finding]) -> Iterator[str]:
    """The statements at module level that findings are in, each once, whole lines."""
    lines = text.splitlines(keepends=True)
    starts = [min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", []))]) for s in ast.parse(text).body]
    wanted = {finding.span.line for finding in findings}
    for start, end in pairwise([*starts, len(lines) + 1]):
        if any(start <= line < end for line in wanted):
            yield "".join(lines[start - 1 : end - 1])


def parsed(texts: Sequence[str], parse: Callable[[str], cst.Module] = cst.parse_module) -> float:
    """CPU seconds that it takes to parse the texts and to know where each node is."""
    began = time.process_time()
    for text in texts:
        MetadataWrapper(parse(text), unsafe_skip_copy=True).resolve(PositionProvider)
    return time.process_time() - began


def rows(tree: Tree, rounds: int) -> Iterator[str]:
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            taken[way].append(parsed(tree.pieces[way]))
    for way in WAYS:
        size = sum(map(len, tree.pieces[way])) / 1000
        times = statistics.median(a / b for a, b in zip(taken[way], taken[WAYS[-1]], strict=True))
        what = f"{tree.name}: {tree.fixes} fixes in {tree.files} files" if way == WAYS[0] else ""
        yield f"| {what} | {way} | {size:.0f} | {statistics.median(taken[way]):.2f} | {times:.1f} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("trees", type=Path, nargs="*", metavar="TREE")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "fixpickle-peers" / "wheels")
    asked = options.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    trees = asked.trees or [unpacked(name, verdicts().packages[name][0], asked.work) for name in PACKAGES]
    head = "| fixed | parsed | KB parsed | CPU s | times the definition alone |\n|---|---|---:|---:|---:|\n"
    table = head + "".join(f"{row}\n" for tree in trees for row in rows(looked_at(tree), asked.rounds))
    print(table)
    if asked.write:
        before, _, rest = SPEED.read_text("utf-8").partition(BEGIN)
        SPEED.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
