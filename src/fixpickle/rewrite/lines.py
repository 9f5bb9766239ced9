"""Which statements of a text another one changed: what a formatter needs to know to stay with them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from itertools import groupby


@dataclass(frozen=True, slots=True, order=True)
class Lines:
    """A stretch of lines, counted from 0, `end` excluded."""

    start: int
    end: int

    def touches(self, other: Lines) -> bool:
        """Whether they share a line, or an empty `other` lies inside."""
        return self.start < other.end and other.start < self.end

    def within(self, other: Lines) -> bool:
        """Whether `other` holds every line of these."""
        return other.start <= self.start and self.end <= other.end


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
    head = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    # What two texts end with is cut off first: comparing costs the square of what is left.
    limit = min(len(a), len(b)) - head
    pairs = zip(reversed(a[len(a) - limit :]), reversed(b[len(b) - limit :]), strict=True)
    tail = next((n for n, (x, y) in enumerate(pairs) if x != y), limit)
    matcher = SequenceMatcher(None, a[head : len(a) - tail], b[head : len(b) - tail], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield Block(Lines(head + i, head + j), Lines(head + k, head + m))


def origins_of(
    blocks: Sequence[Block], olds: Sequence[Statement], news: Sequence[Statement]
) -> dict[Statement, list[Statement]]:
    """The new statements in `blocks`, each with the old ones it was made from: none where the fix wrote it."""
    found: dict[Statement, list[Statement]] = {}
    for block in blocks:
        rivals = [new for new in news if new.lines.touches(block.new)]
        for new in rivals:
            found.setdefault(new, [])
        for old in olds if rivals else ():
            if old.lines.touches(block.old):
                found[max(rivals, key=partial(_likeness, old))].append(old)
    return found


def _likeness(old: Statement, new: Statement) -> tuple[bool, float]:
    before, after = (re.findall(r"\w+|[^\w\s]", statement.text) for statement in (old, new))
    return old.kind == new.kind, SequenceMatcher(None, before, after, autojunk=False).quick_ratio()


def contiguous(numbers: Sequence[int]) -> Iterator[Lines]:
    """Ascending line numbers, joined where none is missing between them."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield Lines(members[0], members[-1] + 1)
