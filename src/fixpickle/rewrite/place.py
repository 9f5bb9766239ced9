"""Where edits go: offsets of lines, of the comments that belong to a statement, of the space it leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fixpickle.model import Edit, Span

_NEWLINE = re.compile(r"\r\n|\r|\n")


def line_start(text: str, offset: int) -> int:
    """The offset at which the line of `offset` starts; both characters of `\\r\\n` belong to the line they end."""
    if text.startswith("\n", offset) and text.endswith("\r", 0, offset):
        offset -= 1
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """The offset after the line break that ends the line of `offset`, or the end of the text."""
    newline = _NEWLINE.search(text, offset)
    return newline.end() if newline else len(text)


def starts_line(text: str, offset: int) -> bool:
    """Whether nothing but space stands before `offset` on its line."""
    return not text[line_start(text, offset) : offset].strip()


def attached_start(text: str, offset: int) -> int:
    """The start of the statement at `offset` together with the comment lines directly above it."""
    start = line_start(text, offset)
    indent = text[start:offset]
    while start > 0:
        above = line_start(text, start - 1)
        line = text[above:start].rstrip("\r\n")
        if not line.startswith(indent + "#"):
            break
        start = above
    return start


def before_statement(path: Path, text: str, statement: Span, code: str) -> Edit:
    """Insert a definition before a module-level statement and its comments, with the two blank lines that part them."""
    at = attached_start(text, statement.start)
    if at == 0 or text.startswith("#!", at) or "coding" in text[at : line_end(text, at)]:
        at = line_start(text, statement.start)
    return Edit(path, at, at, f"{code.rstrip()}\n\n\n")


def block_end(text: str, statement: Span) -> int:
    """The offset after a compound statement and the comment lines behind it that are indented as its body is."""
    indent = _indent(text, line_start(text, statement.start))
    end = at = line_end(text, statement.end)
    while at < len(text):
        line = text[at : line_end(text, at)].strip()
        if line and not (line.startswith("#") and len(_indent(text, at)) > len(indent)):
            break
        at = line_end(text, at)
        end = at if line else end
    return end


def _indent(text: str, start: int) -> str:
    found = re.compile(r"[ \t\f]*").match(text, start)
    return found.group() if found else ""


def in_place_of(path: Path, text: str, statement: Span, code: str) -> Edit:
    """Put one line in the place of a definition and its comments."""
    indent = text[line_start(text, statement.start) : statement.start]
    return Edit(path, attached_start(text, statement.start), block_end(text, statement), f"{indent}{code}\n")


def below_statement(path: Path, text: str, statement: Span, lines: Sequence[str]) -> Edit:
    """Insert lines directly below a module-level statement that ends its line."""
    at = line_end(text, statement.end)
    broken = "" if text[:at].endswith(("\n", "\r")) else "\n"
    return Edit(path, at, at, broken + "".join(f"{line}\n" for line in lines))


def without_lines(path: Path, text: str, start: int, end: int) -> Edit:
    """Delete whole lines, and of the blank lines above and below the shorter run; at the top of a file, those below."""
    above, at = 0, start
    while at > 0 and not text[line_start(text, at - 1) : at].strip():
        at, above = line_start(text, at - 1), above + 1
    below = []
    at = end
    while at < len(text) and not text[at : line_end(text, at)].strip():
        at = line_end(text, at)
        below.append(at)
    taken = len(below) if not text[:start].strip() else min(above, len(below))
    return Edit(path, start, below[taken - 1] if taken else end, "")


def without_statement(path: Path, text: str, statement: Span) -> Edit:
    """Delete a definition with its comments and one run of blank lines."""
    end = block_end(text, statement)
    while end < len(text) and not text[end : line_end(text, end)].strip():
        end = line_end(text, end)
    return Edit(path, attached_start(text, statement.start), end, "")
