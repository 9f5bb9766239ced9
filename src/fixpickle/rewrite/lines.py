"""Which statements of a text another one changed: what a formatter needs to know to stay with them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from itertools import accumulate, groupby
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True, order=True)
class Lines:
    """A stretch of lines, counted from 0, `end` excluded."""

    start: int
    end: int

    def touches(self, other: Lines) -> bool:
        """Whether they share a line, or an empty `other` lies inside."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Statement:
    """A simple statement, or the head of a compound one. `kind` is what stays the same if a fix changes it."""

    lines: Lines
    kind: str
    text: str
    docstring: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one text that became other lines in another."""

    old: Lines
    new: Lines


def statements_of(text: str) -> list[Statement]:
    """Every statement of `text`. Raises SyntaxError."""
    lines = text.split("\n")
    found: list[Statement] = []
    for node in ast.walk(ast.parse(text)):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            # The body of a lambda and of a conditional expression is no list.
            if isinstance(body, list):
                found += (_statement(s, lines, _is_docstring(s, n, node)) for n, s in enumerate(body))
    return sorted(found, key=lambda s: s.lines)


def _statement(node: ast.stmt, lines: Sequence[str], docstring: bool) -> Statement:
    start, end = _first_line(node), node.end_lineno or node.lineno
    inner: list[ast.stmt] = getattr(node, "body", [])
    if inner:
        # `if x: return` is one line that belongs to both: it goes as a whole.
        shared = lines[inner[0].lineno - 1].encode()[: inner[0].col_offset].strip()
        oneliner = shared and not getattr(inner[0], "decorator_list", [])
        end = inner[-1].end_lineno or end if oneliner else _first_line(inner[0]) - 1
    elif isinstance(node, ast.Match):
        end = node.cases[0].pattern.lineno - 1
    own = Lines(start - 1, end)
    text = "\n".join(lines[own.start : own.end])
    return Statement(own, _kind(node), text, docstring)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(node.lineno, *(d.lineno for d in decorators)) if decorators else node.lineno


def _kind(node: ast.stmt) -> str:
    """What a statement binds or does, so far as a fix leaves it alone."""
    named = getattr(node, "name", None) or getattr(node, "targets", None) or getattr(node, "target", None)
    first = named[0] if isinstance(named, list) else named
    return f"{type(node).__name__} {ast.dump(first) if isinstance(first, ast.AST) else first}"


def _is_docstring(node: ast.stmt, position: int, owner: ast.AST) -> bool:
    documented = isinstance(owner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return documented and text and position == 0


def blocks_between(old: str, new: str) -> Iterator[Block]:
    """Where two texts differ, line by line."""
    a, b = old.split("\n"), new.split("\n")
    i = k = 0
    # Between lines that both have once and in the same order: comparing costs the square of what is compared.
    for j, m in (*_anchors(a, b), (len(a), len(b))):
        yield from _between(Block(Lines(i, j), Lines(k, m)), a, b)
        i, k = j, m


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The most lines that stand once in either text, and in the same order in both: where that is, each time.

    The way of patience sorting, as `git diff --patience` has it.
    """
    ours, theirs = Counter(a), Counter(b)
    there = {line: place for place, line in enumerate(b) if theirs[line] == 1}
    pairs = [(here, there[line]) for here, line in enumerate(a) if ours[line] == 1 and line in there]
    piles: list[int] = []
    tops: list[int] = []
    below: list[int] = []
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(piles, place)
        below.append(tops[at - 1] if at else -1)
        piles[at : at + 1], tops[at : at + 1] = [place], [number]
    found: list[tuple[int, int]] = []
    number = tops[-1] if tops else -1
    while number >= 0:
        found.append(pairs[number])
        number = below[number]
    return found[::-1]


def _between(part: Block, a: Sequence[str], b: Sequence[str]) -> Iterator[Block]:
    """Where two parts differ, but for what both begin and end with."""
    ours, theirs = a[part.old.start : part.old.end], b[part.new.start : part.new.end]
    if ours == theirs:
        return
    limit = min(len(ours), len(theirs))
    head = next((n for n in range(limit) if ours[n] != theirs[n]), limit)
    tail = next((n for n in range(limit - head) if ours[-1 - n] != theirs[-1 - n]), limit - head)
    matcher = SequenceMatcher(None, ours[head : len(ours) - tail], theirs[head : len(theirs) - tail], autojunk=False)
    before, after = part.old.start + head, part.new.start + head
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield Block(Lines(before + i, before + j), Lines(after + k, after + m))


Stretch = TypeVar("Stretch")


class Stretches(Generic[Stretch]):
    """Things with lines, in the order of their first ones; what starts later may end earlier."""

    def __init__(self, things: Iterable[tuple[Lines, Stretch]]) -> None:
        self._things = list(things)
        self._starts = [lines.start for lines, _ in self._things]
        self._reach = list(accumulate((lines.end for lines, _ in self._things), max))

    def touching(self, other: Lines) -> list[Stretch]:
        """Those that touch other lines, without a look at all of them."""
        found: list[Stretch] = []
        at = bisect_left(self._starts, other.end) - 1
        while at >= 0 and self._reach[at] > other.start:
            lines, thing = self._things[at]
            if lines.touches(other):
                found.append(thing)
            at -= 1
        return found[::-1]


def origins_of(
    blocks: Sequence[Block], olds: Sequence[Statement], news: Sequence[Statement]
) -> dict[Statement, list[Statement]]:
    """The new statements in `blocks`, each with the old ones it was made from: none where the fix wrote it.

    One that has the words of an old one, which is gone, was moved.
    """
    found: dict[Statement, list[Statement]] = {}
    gone: dict[str, Statement] = {}
    before, after = (Stretches((one.lines, one) for one in some) for some in (olds, news))
    for block in blocks:
        rivals = after.touching(block.new)
        for new in rivals:
            found.setdefault(new, [])
        for old in before.touching(block.old):
            gone[_flush(old)] = old
            if rivals:
                found[max(rivals, key=partial(_likeness, old))].append(old)
    for new, made_from in found.items():
        if not made_from and (moved := gone.get(_flush(new))) is not None:
            made_from.append(moved)
    return found


def _flush(statement: Statement) -> str:
    """The text of a statement as it would stand at the margin."""
    lines = statement.text.split("\n")
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return "\n".join(line.removeprefix(indent) for line in lines)


def _likeness(old: Statement, new: Statement) -> tuple[bool, float]:
    before, after = (re.findall(r"\w+|[^\w\s]", statement.text) for statement in (old, new))
    return old.kind == new.kind, SequenceMatcher(None, before, after, autojunk=False).quick_ratio()


def contiguous(numbers: Sequence[int]) -> Iterator[Lines]:
    """Ascending line numbers, joined where none is missing between them."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield Lines(members[0], members[-1] + 1)
