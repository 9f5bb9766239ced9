"""Where a traced run saw something fail, in files that change while they are fixed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from fixpickle.model import Evidence, Reach, Span, Traced

_DEFINES = re.compile(r"\s*(?:async\s+def|def|class)\b")


def seen(traced: Sequence[Traced], path: Path, span: Span, code: str, weak: bool = False) -> Reach | None:
    """The evidence that a run failed on what `code` at `span` makes, None where it did not.

    A definition counts by the lines of its header, its decorators included. It must be of the name that failed, and
    what failed as an instance was not made by a definition. `weak` says that nothing else speaks for the finding:
    then a function that a module binds is no reason to move what makes it.
    """
    first, last = span.line, span.line + _header(code)
    for one in traced:
        if weak and one.bound:
            continue
        if one.path == path and first <= one.last and one.line <= last and _about(code, one):
            return Reach(Evidence.TRACED, (one.words,))
    return None


def carried(traced: Sequence[Traced], reach: Reach) -> Reach | None:
    """The evidence that an instance which carries what a finding is about could not be loaded in a run, or None."""
    for one in traced:
        if one.carrier and one.carrier == reach.carrier and reach.evidence is not Evidence.ANY:
            return Reach(Evidence.TRACED, (one.words,))
    return None


def _header(code: str) -> int:
    """How many lines below its first the header of a definition ends; of anything else, how many it has below it."""
    lines = code.splitlines() or [""]
    if code.startswith("lambda"):
        return 0
    if not code.startswith("@") and not _DEFINES.match(code):
        return len(lines) - 1
    return next((number for number, line in enumerate(lines) if _DEFINES.match(line)), 0)


def _about(code: str, one: Traced) -> bool:
    defines = code.startswith(("lambda", "@")) or _DEFINES.match(code) is not None
    if not one.name:
        return not defines
    header = "\n".join(code.splitlines()[: _header(code) + 1])
    return re.search(rf"\b{re.escape(one.name.strip('<>'))}\b", header) is not None


def followed(traced: Sequence[Traced], old: Mapping[Path, str], new: Mapping[Path, str]) -> Iterator[Traced]:
    """The same places in the new texts. What was rewritten is gone; what moved to another file is looked for there."""
    fresh = {path: text for path, text in new.items() if path not in old}
    for one in traced:
        was, now = old.get(one.path, ""), new.get(one.path, "")
        line = one.line if was == now else _line(was.splitlines(), now.splitlines(), one.line)
        if line:
            yield replace(one, line=line, last=line + one.last - one.line)
        elif 0 < one.line <= len(was.splitlines()):
            yield from _elsewhere(one, was.splitlines()[one.line - 1].strip(), fresh)


def _line(old: Sequence[str], new: Sequence[str], line: int) -> int:
    """Where a line of the old text stands in the new one, indented as it may be; 0 where nowhere."""
    matcher = SequenceMatcher(None, [text.strip() for text in old], [text.strip() for text in new], autojunk=False)
    blocks = matcher.get_matching_blocks()
    for block in blocks:
        if block.a < line <= block.a + block.size:
            return block.b + line - block.a
    kept = {number for block in blocks for number in range(block.b, block.b + block.size)}
    wanted = old[line - 1].strip() if line <= len(old) else ""
    moved = [number + 1 for number, text in enumerate(new) if number not in kept and text.strip() == wanted]
    return moved[0] if len(moved) == 1 and wanted else 0


def _elsewhere(one: Traced, wanted: str, texts: Mapping[Path, str]) -> Iterator[Traced]:
    for path, text in texts.items():
        at = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == wanted]
        if len(at) == 1 and wanted:
            yield replace(one, path=path, line=at[0], last=at[0] + one.last - one.line)
