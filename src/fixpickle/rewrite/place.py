"""Where edits go: offsets of lines, of the comments that belong to a statement, of the space it leaves."""

from __future__ import annotations

from pathlib import Path

from fixpickle.model import Edit, Span


def line_start(text: str, offset: int) -> int:
    """The offset at which the line of `offset` starts."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """The offset after the line break that ends the line of `offset`, or the end of the text."""
    newline = text.find("\n", offset)
    return len(text) if newline < 0 else newline + 1


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


def without_statement(path: Path, text: str, statement: Span, alone: bool) -> Edit:
    """Delete a statement with its comments and one run of blank lines; `pass` stays where it was alone in its block."""
    start = attached_start(text, statement.start)
    end = line_end(text, statement.end)
    if alone:
        indent = text[line_start(text, statement.start) : statement.start]
        return Edit(path, start, end, f"{indent}pass\n")
    while end < len(text) and not text[end : line_end(text, end)].strip():
        end = line_end(text, end)
    return Edit(path, start, end, "")
