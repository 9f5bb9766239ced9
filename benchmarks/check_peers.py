"""The tools that a check is measured against: how they are had, called, and what they say of lambdas with a name.

The one question that all can answer is where a lambda is assigned to a name. `ast` gives the answer to compare with.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

WANTED = ("ruff", "ast-grep-cli", "fixit", "libcst")
CODEMODDER = "codemodder==6.5.5"
# Of its codemods the one that asks least: where `set` is called with a list display. None is about lambdas.
CODEMOD = "pixee:python/use-set-literal"
RULES = "E731,B023"  # lambdas that are assigned, and functions that capture what a loop binds

_RULE = '''\
import libcst as cst
from fixit import LintRule


class AssignedLambda(LintRule):
    """A lambda that is assigned to a name."""

    def visit_Assign(self, node: cst.Assign) -> None:
        if isinstance(node.value, cst.Lambda) and all(isinstance(t.target, cst.Name) for t in node.targets):
            self.report(node, "assigned lambda")

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if isinstance(node.value, cst.Lambda) and isinstance(node.target, cst.Name):
            self.report(node, "assigned lambda")
'''
_CONFIG = '[tool.fixit]\nroot = true\nenable = [".assigned_lambda"]\ndisable = ["fixit.rules"]\n'

Place = tuple[str, int]
"""A path below the tree, and a line."""


@dataclass(frozen=True, slots=True)
class Peers:
    """The tools in an environment of their own below `work`; the codemods are given copies of a part of the files."""

    work: Path
    tree: Path
    part: str = "sample"

    @property
    def tools(self) -> Path:
        return _programs(self.work / "venv")

    @property
    def codemodder(self) -> Path:
        """codemodder's own environment: it asks for an older libcst than the others have."""
        return _programs(self.work / "codemodder")

    @property
    def sample(self) -> Path:
        return self.work / self.part

    def install(self) -> None:
        """Makes the environments, with pip, where they are not there yet."""
        for programs, wanted in ((self.tools, WANTED), (self.codemodder, (CODEMODDER,))):
            if not programs.exists():
                venv.create(programs.parent, with_pip=True)
            subprocess.run([str(programs / "python"), "-m", "pip", "install", "--quiet", *wanted], check=True)

    def versions(self) -> str:
        """Every tool with its version, and those that codemodder is built on."""
        older = ", ".join(_versions(self.codemodder, ("libcst",)))
        return (
            ", ".join([*_versions(self.tools, WANTED), *_versions(self.codemodder, ("codemodder",))]) + f" on {older}"
        )

    def take(self, files: Iterable[Path]) -> None:
        """Copies the files into the sample, in place of what was there, and gives Fixit its one rule."""
        shutil.rmtree(self.sample, ignore_errors=True)
        for path in files:
            copy = self.sample / path.relative_to(self.tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        (self.sample / "pyproject.toml").write_text(_CONFIG)
        (self.sample / "assigned_lambda.py").write_text(_RULE)

    def commands(self) -> Mapping[str, list[str]]:
        """Over the whole tree."""
        tree = str(self.tree)
        own = [sys.executable, "-m", "fixpickle", "check", "--quiet", "--exit-zero"]
        cache = ["--cache-dir", str(self.work / "cache")]
        return {
            "ruff": [*self._ruff(), "--quiet", "--exit-zero", "--select", RULES, tree],
            "ast-grep": [*self._ast_grep(), tree],
            "fixpickle, cold": [*own, "--no-cache", tree],
            "fixpickle, warm": [*own, *cache, tree],
        }

    def codemods(self) -> Mapping[str, list[str]]:
        """Over the sample: they are too slow for the tree."""
        noop = [str(self.tools / "python"), "-m", "libcst.tool", "codemod", "noop.NOOPCommand", str(self.sample)]
        said = ["--dry-run", "--codemod-include", CODEMOD, "--output", str(self.work / "codemodder.json")]
        return {
            "libcst's codemod runner, no-op": noop,
            "Fixit, one rule": [str(self.tools / "fixit"), "lint", str(self.sample)],
            "codemodder, one codemod": [str(self.codemodder / "codemodder"), str(self.sample), *said],
        }

    def _ruff(self) -> list[str]:
        return [str(self.tools / "ruff"), "check", "--isolated", "--no-cache"]

    def _ast_grep(self) -> list[str]:
        return [str(self.tools / "ast-grep"), "run", "-l", "py", "-p", "$N = lambda $$$A: $B", "--no-ignore", "vcs"]

    # --- what they find ---

    def answers(self) -> Mapping[str, frozenset[Place]]:
        """Where each says that a lambda is assigned to a name, in the sample."""
        ruff = [*self._ruff(), "--ignore-noqa", "--exit-zero", "--select", "E731", "--output-format", "json"]
        anyhow = ("--reach", "any", "--select", "lambda-value")
        return {
            "ruff": frozenset(
                self._place(one["filename"], one["location"]["row"]) for one in self._json([*ruff, str(self.sample)])
            ),
            "ast-grep": frozenset(
                self._place(one["file"], one["range"]["start"]["line"] + 1)
                for one in self._json([*self._ast_grep(), "--json", str(self.sample)])
                if one["metaVariables"]["single"]["N"]["text"].isidentifier()
            ),
            "Fixit": frozenset(self._of_fixit()),
            "fixpickle --reach any": self._of_fixpickle(*anyhow),
            "fixpickle": self._of_fixpickle("--select", "lambda-value"),
        }

    def _of_fixit(self) -> Iterator[Place]:
        command = [str(self.tools / "fixit"), "--output-format", "vscode", "lint", str(self.sample)]
        said = subprocess.run(command, capture_output=True, text=True, cwd=self.sample).stdout
        for line in said.splitlines():
            path, _, rest = line.partition(".py:")
            if rest and "AssignedLambda" in rest:
                yield self._place(f"{path}.py", int(rest.split(":")[0]))

    def _of_fixpickle(self, *words: str) -> frozenset[Place]:
        # Isolated: a sample may have modules named as those of the standard library.
        command = [sys.executable, "-I", "-m", "fixpickle", "check", "--no-cache", "--output-format", "json", *words]
        said = subprocess.run([*command, str(self.sample)], capture_output=True, text=True, cwd=self.sample)
        return frozenset(self._place(one["path"], one["line"]) for one in json.loads(said.stdout)["left"])

    def _json(self, command: list[str]) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(subprocess.run(command, capture_output=True).stdout)
        return found

    def _place(self, path: object, line: object) -> Place:
        place = Path(str(path))
        whole = place if place.is_absolute() else self.sample / place
        assert isinstance(line, int)
        return whole.relative_to(self.sample).as_posix(), line


def _programs(environment: Path) -> Path:
    return environment / ("Scripts" if sys.platform == "win32" else "bin")


def _versions(programs: Path, names: Iterable[str]) -> list[str]:
    command = [str(programs / "python"), "-m", "pip", "list", "--format", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return [f"{one['name']} {one['version']}" for one in listed if one["name"] in names]


@dataclass(frozen=True, slots=True)
class Named:
    """A lambda that is assigned to a name, and where that is done."""

    place: Place
    where: str


def named(sample: Path) -> Iterator[Named]:
    """Every lambda of the files that a statement assigns to names alone, by Python's own syntax tree."""
    for path in sorted(sample.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node, where in _inside(tree, "at module level"):
            value = getattr(node, "value", None)
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            plain = all(isinstance(target, ast.Name) for target in targets)
            if plain and isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Lambda):
                place = (path.relative_to(sample).as_posix(), node.lineno)
                yield Named(place, "with an annotation" if isinstance(node, ast.AnnAssign) else where)


def _inside(tree: ast.AST, where: str) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.iter_child_nodes(tree):
        yield node, where
        inner = {ast.ClassDef: "in a class body"}.get(type(node), where)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = "in a function"
        yield from _inside(node, inner)
