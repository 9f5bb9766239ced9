"""Comments that speak to fixpickle: `# fixpickle: ignore[rule]  # why`, `# fixpickle: strategy[state-hooks]`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fixpickle.model import Span
from fixpickle.survey.facts import Suppression

# What other tools read is no reason of ours, and stays where ours goes.
_PRAGMA = r"(?:noqa|type:|pragma:|pylint:|fmt:|isort:|nosec|mypy:|pyright:|fixpickle:)"
_SAID = re.compile(
    rf"#\s*fixpickle:\s*(?P<word>ignore|strategy)\[(?P<names>[\w\-, ]+)\](?P<why>[^#]*(?:#(?!\s*{_PRAGMA})[^#]*)?)"
)
_BLANK = frozenset([tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT])


@dataclass(frozen=True, slots=True)
class Comment:
    """One name in a comment, and the line of code it speaks for; `span` is the comment with its reason."""

    line: int
    word: str
    name: str
    reason: str
    span: Span


def comments(text: str) -> Iterator[Comment]:
    """What comments say, name by name. A comment alone on its line speaks for the next line of code."""
    if "fixpickle:" not in text:
        return
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    waiting: list[Comment] = []
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if token.type == tokenize.COMMENT:
            found = list(_said(token, starts[token.start[0] - 1]))
            if token.line[: token.start[1]].strip():
                yield from found
            else:
                waiting += found
        elif waiting and token.type not in _BLANK:
            yield from (replace(comment, line=token.start[0]) for comment in waiting)
            waiting = []


def _said(token: tokenize.TokenInfo, start: int) -> Iterator[Comment]:
    row, column = token.start
    for match in _SAID.finditer(token.string):
        at = column + match.start()
        span = Span(start + at, start + at + len(match.group().rstrip()), row, at + 1)
        for name in match["names"].split(","):
            if name.strip():
                yield Comment(row, match["word"], name.strip(), match["why"].strip(" \t#"), span)


def suppression(comment: Comment) -> Suppression:
    """An `ignore` as the facts keep it."""
    return Suppression(comment.line, comment.name, comment.reason, comment.span)
