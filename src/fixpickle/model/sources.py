"""Files as they are read, and why one was not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct


class Span(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A stretch of one file: character offsets, and where a person finds its start.

    In a notebook that is the line `row` of a `cell`, both from 1; `line` is the one of the file that holds it.
    """

    start: int
    end: int
    line: int
    column: int
    cell: int = 0
    row: int = 0

    def __str__(self) -> str:
        """As editors and people write it behind the path: `7:5`, or `cell 3:2:5`."""
        return f"{self.where}:{self.column}"

    @property
    def where(self) -> str:
        """The same without the column."""
        return f"cell {self.cell}:{self.row}" if self.cell else str(self.line)


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read. `text` keeps the file's own newlines; `newline` is the one most of its lines use.

    Of a notebook, `text` is its code cells as one module, and `notebook` what the file itself holds.
    """

    path: Path
    text: str
    encoding: str
    newline: str
    bom: bool
    digest: str
    module: str
    root: Path
    explicit: bool = False
    notebook: str = ""

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something was not done, for a reason a person can act on. `line` is 0 where no line is to blame."""

    path: Path
    reason: str
    line: int = 0
    rule: str = ""


def below(path: Path, root: Path) -> str:
    """A path with `/`, counted from `root` where it lies below that."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
