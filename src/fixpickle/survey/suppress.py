"""Comments that speak to fixpickle: `# fixpickle: ignore[rule]  # why`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from fixpickle.model import Span
from fixpickle.survey.facts import Suppression

# What other tools read is no reason of ours, and stays where ours goes.
_PRAGMA = r"(?:noqa|type:|pragma:|pylint:|fmt:|isort:|nosec|mypy:|pyright:|fixpickle:)"
_IGNORE = re.compile(rf"#\s*fixpickle:\s*ignore\[([\w\-, ]+)\](?P<why>[^#]*(?:#(?!\s*{_PRAGMA})[^#]*)?)")
_BLANK = frozenset([tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT])


def suppressions(text: str) -> Iterator[Suppression]:
    """Every rule that a comment suppresses. A comment alone on its line speaks for the next line of code."""
    if "fixpickle:" not in text:
        return
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    waiting: list[Suppression] = []
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if token.type == tokenize.COMMENT and (match := _IGNORE.search(token.string)):
            row, column = token.start[0], token.start[1] + match.start()
            start = starts[row - 1] + column
            span = Span(start, start + len(match.group().rstrip()), row, column + 1)
            why = match["why"].strip(" \t#")
            found = [Suppression(row, r.strip(), why, span) for r in match.group(1).split(",") if r.strip()]
            if token.line[: token.start[1]].strip():
                yield from found
            else:
                waiting += found
        elif waiting and token.type not in _BLANK:
            yield from (Suppression(token.start[0], w.rule, w.reason, w.span) for w in waiting)
            waiting = []
