"""Two texts -> what a page shows of them side by side: blocks of lines, in coloured pieces. Imports pygments."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

_KINDS = (
    (Comment, "comment"),
    (String, "string"),
    (Number, "number"),
    (Name.Decorator, "decorator"),
    (Name.Function, "function"),
    (Name.Class, "class"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Name.Builtin, "builtin"),
)
_ALIKE = 0.4  # below this share of common words, marking the words that differ would mark nearly all of them
_WORD = re.compile(r"\w+|\s+|.")
_LONGEST, _MOST = 200, 400  # words of a line, and pairs of lines, beyond which nothing is marked: it takes too long


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of one line, of one kind of token ("" for plain). `marked`: they are what differs in it."""

    text: str
    kind: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of code by its number, from 1."""

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. `kind` is "same" or "changed"; `skipped` lines before it are not shown."""

    kind: str
    old: tuple[Line, ...]
    new: tuple[Line, ...]
    skipped: int = 0


def side_by_side(old: str, new: str, context: int = 3) -> tuple[Block, ...]:
    """What differs between two Python texts, with some lines around it; empty where nothing does."""
    before, after = _lines(old), _lines(new)
    matcher = difflib.SequenceMatcher(None, _split(old), _split(new), autojunk=False)
    blocks: list[Block] = []
    shown = 0
    for group in matcher.get_grouped_opcodes(context):
        for tag, i1, i2, j1, j2 in group:
            sides = before[i1:i2], after[j1:j2]
            sides = sides if tag == "equal" else _marked(*sides)
            blocks.append(Block("same" if tag == "equal" else "changed", *sides, skipped=max(i1 - shown, 0)))
            shown = i2
    return tuple(blocks)


def excerpt(text: str, first: int, last: int, context: int = 2) -> tuple[Line, ...]:
    """The lines from `first` to `last`, counted from 1, and some around them."""
    return _lines(text)[max(first - 1 - context, 0) : last + context]


@lru_cache(maxsize=64)
def _lines(text: str) -> tuple[Line, ...]:
    """The text is coloured as a whole: a line by itself does not know that it is in a string."""
    lines: list[list[Piece]] = [[]]
    for token, value in _lexer().get_tokens(text):
        kind = _kind(token)
        first, *rest = value.split("\n")
        lines[-1] += [Piece(visible(first), kind)] if first else []
        lines += [[Piece(visible(part), kind)] if part else [] for part in rest]
    return tuple(Line(number, tuple(pieces)) for number, pieces in enumerate(lines[: len(_split(text))], 1))


def _split(text: str) -> list[str]:
    """In lines as the lexer has them: a form feed ends none."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


@lru_cache(maxsize=1)
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False, ensurenl=True)


def _kind(token: _TokenType) -> str:
    return next((kind for family, kind in _KINDS if token in family), "")


def visible(text: str) -> str:
    """Text in which no character is hidden, or turns the direction of what follows."""
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)


# --- what differs within a line -------------------------------------------------------------------------------------


def _marked(old: Sequence[Line], new: Sequence[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Both sides, with the words marked that differ between lines that stand for one another."""
    before, after = list(old), list(new)
    for i, j in _pairs(old, new):
        left, right = _words(old[i]), _words(new[j])
        matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
        codes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
        before[i] = _with_marks(old[i], [_reach(left, a, b) for _, a, b, _, _ in codes])
        after[j] = _with_marks(new[j], [_reach(right, c, d) for _, _, _, c, d in codes])
    return tuple(before), tuple(after)


def _pairs(old: Sequence[Line], new: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """For each old line the new one that is most like it, in order, where one is alike at all."""
    start = 0
    long = any(len(_words(line)) > _LONGEST for line in (*old, *new))
    for i, line in enumerate(() if long or len(old) * len(new) > _MOST else old):
        words = _words(line)
        likes = [
            (difflib.SequenceMatcher(None, words, _words(other), autojunk=False).ratio(), -j)
            for j, other in enumerate(new)
            if j >= start
        ]
        best, place = max(likes, default=(0.0, 0))
        if best > _ALIKE and "".join(words).strip():
            start = -place + 1
            yield i, -place


def _words(line: Line) -> list[str]:
    return _WORD.findall("".join(piece.text for piece in line.pieces))


def _reach(words: Sequence[str], first: int, last: int) -> tuple[int, int]:
    return sum(map(len, words[:first])), sum(map(len, words[:last]))


def _with_marks(line: Line, spans: Sequence[tuple[int, int]]) -> Line:
    pieces: list[Piece] = []
    at = 0
    for piece in line.pieces:
        end = at + len(piece.text)
        borders = {at, end, *(b for span in spans for b in span if at < b < end)}
        cuts = sorted(borders)
        for a, b in pairwise(cuts):
            inside = any(start <= a and b <= stop for start, stop in spans)
            pieces.append(Piece(piece.text[a - at : b - at], piece.kind, inside))
        at = end
    return Line(line.number, tuple(pieces))
