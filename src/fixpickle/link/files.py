"""What a file is there for, by the names it goes by: part of a package, a test, a copy of another project's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from fixpickle.survey.facts import Facts

_FOR_TESTS = frozenset({"tests", "test", "testing", "_testing"})
_VENDORED = ("vendor", "thirdparty")
_COPIED = frozenset({"extern", "externals"})


def packaged(facts: Facts) -> bool:
    """Whether a file is part of a package, and not a module or script by itself."""
    return facts.package or facts.path.parent != facts.root


def is_test(facts: Facts) -> bool:
    """Whether a module is a test, or is there for tests, by the names that test runners and packages go by."""
    parts = facts.module.split(".")
    name = parts[-1]
    return bool(_FOR_TESTS & set(parts)) or name.startswith("test_") or name.endswith("_test") or name == "conftest"


class Copies:
    """Tells which modules are copies of another project's, by the folders that such copies are kept in."""

    def __init__(self, files: Sequence[Facts]) -> None:
        self.files = files

    def vendored(self, facts: Facts) -> bool:
        """Whether a module is such a copy."""
        folders = (*self._below[facts.root], *facts.module.split(".")[:-1])
        plain = [part.lstrip("_").replace("_", "") for part in folders]
        return any(part.startswith(_VENDORED) or part in _COPIED for part in plain)

    @cached_property
    def _below(self) -> dict[Path, tuple[str, ...]]:
        """The folders that lead from the outermost import root around a root to that, for every root of the files."""
        roots = sorted({facts.root for facts in self.files}, key=lambda root: len(root.parts))
        return {root: root.relative_to(next(r for r in roots if root.is_relative_to(r))).parts for root in roots}
