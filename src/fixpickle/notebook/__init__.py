"""Notebooks as Python modules: the code cells one below the other, each under a line that names it, and back again.

What is edited is that text. It is written back into the JSON text of the file cell by cell, so that all else of a
notebook, outputs, metadata and layout, keeps its bytes. nbformat reads notebooks and writes them anew: it sorts keys
and indents as it likes, so it is what the tests validate results with, and not what writes them.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from fixpickle.notebook.cells import Cell, code_cells, line_of, rewritten
from fixpickle.notebook.magics import STAND_IN, PythonCell, as_python, hidden, put_back

_HEAD = re.compile(r"^# %% cell (\d+)\n\n", re.MULTILINE)
_TAIL = "\n\n"


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cell in the text of the module: the characters of its source, `line` is its first one there, from 1.

    `magic` is the cell magic it stands under; `mentioned` are names in magics of which it cannot be told what they
    bind; `set_from_outside` says that papermill or the like puts other values in the place of its own.
    """

    number: int
    start: int
    end: int
    line: int
    magic: str
    mentioned: frozenset[str]
    set_from_outside: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person finds something: the cell and the line in it, from 1, and the line of the file that holds it."""

    cell: int
    row: int
    line: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a notebook cannot be read as Python, and the line of the file that is to blame, or 0."""

    reason: str
    line: int = 0


def as_module(raw: str) -> str | Unreadable:
    """The text of a notebook's code cells as one module. It is empty where its kernel speaks another language."""
    try:
        content = json.loads(raw)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        return Unreadable(f"is no notebook: {error}", line)
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        return Unreadable("is no notebook: it does not say its nbformat")
    if content["nbformat"] != 4:
        version = content["nbformat"]
        return Unreadable(f"is of nbformat {version}; `jupyter nbconvert --to notebook --inplace` brings it to 4")
    if _language(content) not in ("python", "ipython", ""):
        return ""
    try:
        cells = _python(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Unreadable(f"is no notebook: {type(error).__name__}: {error}")
    trouble = next(_troubles(cells), None)
    return trouble or "".join(f"# %% cell {c.number}\n\n{python.text}{_TAIL}" for c, python in cells)


def written(raw: str, module: str) -> str:
    """The notebook `raw` with its cells as `module` has them. Raises ValueError where `module` has lost its cells."""
    if not module:
        return raw
    sources = dict(_sources(module))
    cells = _python(raw)
    if sources.keys() != {cell.number for cell, _ in cells}:
        raise ValueError("the text of the cells has lost one of them")
    parts: list[str] = []
    at = 0
    for cell, python in cells:
        if sources[cell.number] != python.text:
            source = put_back(sources[cell.number], python.magics)
            if STAND_IN.search(source):
                raise ValueError(f"a magic command of cell {cell.number} would be lost")
            parts += raw[at : cell.place.start], rewritten(raw, cell, source)
            at = cell.place.end
    return "".join(parts) + raw[at:]


def parts(raw: str, module: str) -> tuple[Part, ...]:
    """The cells of `raw` where they stand in `module`, which may have changed since."""
    known = {cell.number: (cell, python) for cell, python in (_python(raw) if module else ())}
    return tuple(
        Part(
            number=number,
            start=start,
            end=end,
            line=module.count("\n", 0, start) + 1,
            magic=known[number][1].magic,
            mentioned=frozenset[str]().union(*(m.names for m in known[number][1].magics)),
            set_from_outside=bool({"parameters", "injected-parameters"} & set(known[number][0].tags)),
        )
        for number, start, end in _stretches(module)
    )


def place(raw: str, module: str, offset: int) -> Place:
    """Where the character of `module` at `offset` stands in the notebook, as that is with these cells."""
    number, start, _ = max((s for s in _stretches(module) if s[1] <= offset), key=lambda s: s[1])
    row = module.count("\n", start, offset) + 1
    now = written(raw, module)
    cell = next(cell for cell, _ in _python(now) if cell.number == number)
    return Place(number, row, line_of(now, cell, row))


def _sources(module: str) -> Iterator[tuple[int, str]]:
    return ((number, module[start:end]) for number, start, end in _stretches(module))


def _stretches(module: str) -> Iterator[tuple[int, int, int]]:
    """The number of each cell, and the characters its source takes."""
    heads = list(_HEAD.finditer(module))
    ends = [*(head.start() for head in heads), len(module)]
    for head, end in zip(heads, ends[1:], strict=True):
        yield int(head[1]), head.end(), end - len(_TAIL)


@lru_cache(maxsize=8)  # reading, surveying and writing one notebook ask for the same
def _python(raw: str) -> tuple[tuple[Cell, PythonCell], ...]:
    cells = code_cells(raw)
    made: list[tuple[Cell, PythonCell]] = []
    number = 0
    for cell in cells:
        python = as_python(cell.source, number)
        if not _compiles(python.text) and _compiles(python.text, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
            python = hidden(cell.source, number)
        number += len(python.magics)
        made.append((cell, python))
    return tuple(made)


def _compiles(text: str, flags: int = 0) -> bool:
    return _compiled(text, flags) is None


def _compiled(text: str, flags: int = 0) -> Exception | None:
    """Why the text does not compile. What compilers warn of is not what is asked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "cell", "exec", flags, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error
    return None


def _troubles(cells: tuple[tuple[Cell, PythonCell], ...]) -> Iterator[Unreadable]:
    for cell, python in cells:
        if re.search(r"^# %% cell \d", cell.source, re.MULTILINE):
            yield Unreadable(f"cell {cell.number} holds a line `# %% cell`, by which cells are told apart here")
        if cell.number > 1 and re.search(r"^from __future__ ", python.text, re.MULTILINE):
            yield Unreadable(f"cell {cell.number} imports from __future__: that belongs into the first one")
        error = _compiled(python.text)
        if isinstance(error, SyntaxError):
            yield Unreadable(f"cell {cell.number}, line {error.lineno or 1}: syntax error: {error.msg}")
        elif error is not None:
            yield Unreadable(f"cell {cell.number} cannot be parsed: {error}")


def _language(content: Mapping[str, object]) -> str:
    """The language of the kernel; empty where nothing is said."""
    metadata = content.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        section = said.get(key)
        if isinstance(section, dict) and section.get(name):
            return str(section[name]).lower()
    return ""


__all__ = ["STAND_IN", "Part", "Place", "Unreadable", "as_module", "parts", "place", "written"]
