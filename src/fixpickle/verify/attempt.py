"""What is tried for one patch, and how it is put to the child."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fixpickle.model import ByExpression, ByReference, ByState, ByValue, FromScript, Patch, Subject, WorkerState
from fixpickle.verify.script import roots_of

Side = Literal["before", "after"]
Task = dict[str, object]
"""What the child reads: JSON."""


@dataclass(frozen=True, slots=True)
class Importing:
    """A module that a patch edits: the least that must still work. It proves nothing."""

    module: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to exercise one subject of the patch with that index. `manner` says how an instance is made."""

    patch: int
    number: int
    subject: Subject | Importing
    manner: Literal["", "factory", "constructor", "part"] = ""
    factory: str = ""

    @property
    def key(self) -> str:
        return f"{self.patch}.{self.number}"

    @property
    def how(self) -> str:
        """What was exercised, in the words of a report."""
        match self.subject:
            case ByReference(module, name, _, bound):
                return f"{module}.{name} by reference" + (", with its bound arguments" if bound else "")
            case FromScript(_, module, name):
                return f"{module}.{name} by reference"
            case ByValue(module, name):
                return f"{module}.{name} by value"
            case ByExpression(after=after):
                return f"the value of {after}"
            case ByState(attribute=attribute, dropped=dropped):
                made = {
                    "factory": f"an instance from your factory {self.factory}",
                    "constructor": "an instance from its constructor",
                }.get(self.manner, "an instance holding only what the fix touches")
                return f"{made}, something that cannot be pickled put in {attribute}" if dropped else made
            case WorkerState(state=state):
                return f"a real run: every task on joblib's workers saw the {state} setting"
            case Importing(module):
                return f"{module} imports"

    def names(self, side: Side) -> frozenset[str]:
        """The top-level names of its module that it needs on that side."""
        match self.subject:
            case ByReference(name=name) | ByValue(name=name) | FromScript(name=name):
                return roots_of(name)
            case ByState(cls=cls, before=before, after=after, holds=holds):
                given = frozenset[str]().union(*(roots_of(expression) for _, expression in holds))
                return roots_of(cls) | roots_of(before if side == "before" else after) | given
            case ByExpression(before=before, after=after):
                return roots_of(before if side == "before" else after)
            case WorkerState(_, before, after):
                parallel, delayed = before if side == "before" else after
                return roots_of(parallel) | roots_of(delayed)
            case Importing():
                return frozenset()

    def task(self, side: Side, scripts: Mapping[Path, str]) -> Task:
        """The question to the child. `scripts` holds the trimmed texts of scripts that are run as `__main__`."""
        return {"id": self.key, "module": self.subject.module} | self._question(side, scripts)

    def _question(self, side: Side, scripts: Mapping[Path, str]) -> Task:
        match self.subject:
            case ByReference(_, name, origin, bound):
                return {"kind": "reference", "name": name, "origin": origin.name, "line": origin.line, "bound": bound}
            case FromScript(script, _, name):
                text = scripts.get(script, "")
                return {"kind": "script", "name": name, "script": str(script), "text": text, "bound": 0}
            case ByState(_, cls, attribute, before, after, pickler, holds, dropped):
                expression = before if side == "before" else after
                made: Task = {"manner": self.manner, "factory": self.factory, "expression": expression}
                made |= {"holds": holds, "dropped": dropped}
                return made | {"kind": "state", "cls": cls, "attribute": attribute, "pickler": pickler}
            case ByExpression(_, before, after, pickler):
                return {"kind": "expression", "expression": before if side == "before" else after, "pickler": pickler}
            case ByValue(_, name):
                return {"kind": "value", "name": name}
            case WorkerState(_, before, after, state):
                parallel, delayed = before if side == "before" else after
                return {"kind": "workers", "parallel": parallel, "delayed": delayed, "state": state}
            case Importing():
                return {"kind": "import"}


def attempts(patches: Sequence[Patch], factories: Mapping[str, str], roots: Sequence[Path]) -> tuple[Attempt, ...]:
    """All that is tried, patch by patch, each from the strongest to the weakest. `factories` maps `module:Class`."""
    return tuple(a for i, patch in enumerate(patches) for a in _of_patch(i, patch, factories, roots))


def _of_patch(index: int, patch: Patch, factories: Mapping[str, str], roots: Sequence[Path]) -> Iterator[Attempt]:
    number = 0
    for subject in patch.subjects:
        if not isinstance(subject, ByState):
            yield Attempt(index, number := number + 1, subject)
            continue
        if factory := factories.get(f"{subject.module}:{subject.cls}"):
            yield Attempt(index, number := number + 1, subject, "factory", factory)
        yield Attempt(index, number := number + 1, subject, "constructor")
        yield Attempt(index, number := number + 1, subject, "part")
    for module in sorted(set(_modules(patch.paths, roots))):
        yield Attempt(index, number := number + 1, Importing(module))


def _modules(paths: Iterable[Path], roots: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        root = next((r for r in roots if path.is_relative_to(r)), None)
        if root is None or path.suffix != ".py":
            continue
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and all(part.isidentifier() for part in parts):
            yield ".".join(parts)
