"""The code cells of a notebook's JSON text: where their sources stand, and how a changed one is written there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.notebook.scan import Stretch, elements, members, outermost

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell that is not blank: its number, as running all cells counts them, its source and where that stands."""

    number: int
    source: str
    place: Stretch
    tags: tuple[str, ...]


def code_cells(raw: str) -> tuple[Cell, ...]:
    """The cells of a notebook of format 4. Raises ValueError or TypeError where it is none."""
    found: list[Cell] = []
    for cell in _cells(raw):
        places = dict(members(raw, cell.start))
        content = json.loads(raw[cell.start : cell.end])
        source = content["source"]
        text = source if isinstance(source, str) else "".join(source)
        if content["cell_type"] == "code" and text.strip():
            tags = content.get("metadata", {}).get("tags", [])
            found.append(Cell(len(found) + 1, text, places["source"], tuple(map(str, tags))))
    return tuple(found)


def _cells(raw: str) -> Iterator[Stretch]:
    place = dict(members(raw, outermost(raw)))["cells"]
    return elements(raw, place.start)


def rewritten(raw: str, cell: Cell, source: str) -> str:
    """The JSON value of the cell's source once that is `source`, laid out as the one that is there.

    Lines that stay keep the spelling they have.
    """
    old = raw[cell.place.start : cell.place.end]
    if not old.startswith("["):
        return _written(source, raw)
    places = list(elements(raw, cell.place.start))
    spelled = {json.loads(raw[p.start : p.end]): raw[p.start : p.end] for p in places}
    lines = [spelled.get(line) or _written(line, raw) for line in _LINE.findall(source)]
    head = raw[cell.place.start : places[0].start]
    # Of one line alone there is no comma to copy: it is followed by what stands before it.
    between = raw[places[0].end : places[1].start] if len(places) > 1 else f",{head[1:] or ' '}"
    return head + between.join(lines) + raw[places[-1].end : cell.place.end]


def _written(line: str, raw: str) -> str:
    """A JSON string, in ASCII where the notebook is."""
    return json.dumps(line, ensure_ascii=raw.isascii())


def line_of(raw: str, cell: Cell, row: int) -> int:
    """The line of the JSON text, from 1, that holds the line `row` of a cell, as far as each has one of its own."""
    at = cell.place.start
    if raw.startswith("[", at):
        above = 0
        for place in elements(raw, at):
            if above >= row:
                break
            at = place.start
            above += json.loads(raw[place.start : place.end]).count("\n")
    return raw.count("\n", 0, at) + 1
