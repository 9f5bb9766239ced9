"""black on the statements a fix wrote, and on nothing else. The only importer of black, and only once there is work."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from fixpickle.rewrite.form import Options, form, options_of, quoted
from fixpickle.rewrite.lines import Lines, Stretches, blocks_between, contiguous, origins_of, statements_of

if TYPE_CHECKING:
    import black


_DEFINES = ("def ", "async def ", "class ", "@")


# A run makes the same text several times, to check it, to prove it and to keep it, and black is what costs most.
@lru_cache(maxsize=256)
def tidy(old: str, new: str, path: Path) -> str:
    """`new` with the statements it does not share with `old` as black would have them, under the project's own options.

    A statement is formatted if the fix wrote it, or if it changed one that was as black would have it already: where
    nobody ever formatted a line, black would rewrite what the fix did not touch, and the diff would widen. All other
    lines keep every byte, and the syntax tree stays the same. Where that cannot be had, the lines in question stay as
    the fix wrote them: unformatted rather than wider. `path` says where black's options are looked for.
    """
    return styled(old, new, options_of(path.parent)) if formattable(old, new, path) else new


def formattable(old: str, new: str, path: Path) -> bool:
    """Whether there may be something to format. Black would part cells as it parts the statements of a module."""
    return old != new and path.suffix != ".ipynb"


def styled(old: str, new: str, options: Options) -> str:
    """What :func:`tidy` gives, of the texts and black's options alone: no file is looked at."""
    before, after = _plain(old), _plain(new)
    if before is None or after is None or _same_code(before, after):
        return new
    mode = form(options, before)
    ending = "" if after.endswith("\n") else "\n"
    try:
        runs = _runs(before, after + ending, mode)
    except SyntaxError:
        return new
    result = quoted(_format(after + ending, runs, mode), before, mode).removesuffix(ending)
    return result.replace("\n", "\r\n") if "\r\n" in new else result


def _same_code(before: str, after: str) -> bool:
    """Whether only comments and blanks differ: those are not ours to format."""
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except (SyntaxError, ValueError):
        return False


def _plain(text: str) -> str | None:
    """`text` with `\\n` for its newlines; None where it mixes styles, which black would not keep apart."""
    plain = text.replace("\r\n", "\n")
    mixed = "\r" in plain or text.count("\r\n") not in (0, plain.count("\n"))
    return None if mixed else plain


# --- which lines ----------------------------------------------------------------------------------------------------


def _runs(before: str, after: str, mode: black.Mode) -> list[Lines]:
    """The lines of `after` that black may have."""
    blocks = list(blocks_between(before, after))
    if not blocks:
        return []
    olds, news = statements_of(before), statements_of(after)
    origins = origins_of(blocks, olds, news)
    dirty = _dirty(before, sorted({o.lines for old in origins.values() for o in old}), mode)
    changed = {line for block in blocks for line in range(block.new.start, block.new.end)}
    ours = set(changed)
    for new, old in origins.items():
        lines = range(new.lines.start, new.lines.end)
        written = bool(old) or changed.issuperset(lines)
        # A docstring is part of what the program says: black would indent and strip it.
        if new.docstring or not written or any(o.lines in dirty for o in old):
            ours.difference_update(lines)
        else:
            ours.update(lines)
    return list(contiguous(sorted(ours)))


def _dirty(before: str, lines: Sequence[Lines], mode: black.Mode) -> frozenset[Lines]:
    """Those of the old statements that black would have changed already."""
    formatted = _black(before, lines, mode)
    if formatted is None:
        half = len(lines) // 2
        return _dirty(before, lines[:half], mode) | _dirty(before, lines[half:], mode) if half else frozenset(lines)
    stretches = Stretches((one, one) for one in lines)
    return frozenset(one for block in blocks_between(before, formatted) for one in stretches.touching(block.old))


# --- black ----------------------------------------------------------------------------------------------------------


def _format(text: str, runs: Sequence[Lines], mode: black.Mode) -> str:
    """`text` with black's form of `runs`, all of them or as many as leave the rest of the text alone."""
    formatted = _black(text, runs, mode)
    if formatted is None or formatted == text:
        return text
    lines = text.split("\n")
    spliced = _spliced(lines, formatted.split("\n"), _filled_runs(lines, runs))
    if spliced is not None and _same_tree(text, spliced):
        return spliced
    if len(runs) == 1:
        return text
    # From the end, so that the lines further up keep their numbers.
    half = len(runs) // 2
    return _format(_format(text, runs[half:], mode), runs[:half], mode)


def _filled_runs(lines: Sequence[str], runs: Sequence[Lines]) -> list[Lines]:
    """The runs from their first to their last line that is not blank, joined where only blank lines part them."""
    ours = {n for run in runs for n in range(run.start, min(run.end, len(lines))) if lines[n].strip()}
    for above, below in pairwise(sorted(ours)):
        if below - above - 1 == _blank(lines[above + 1 : below]):
            ours.update(range(above, below))
    return list(contiguous(sorted(ours)))


def _spliced(old: Sequence[str], new: Sequence[str], runs: Sequence[Lines]) -> str | None:
    """`old` with `runs` as they are in `new`; None where `new` does not hold all other lines, in order and unbroken.

    Around a run black may add blank lines but take none away: it miscounts them before lines it was told to leave, and
    adds some among these, which are left out.
    """
    edges = [0, *(edge for run in runs for edge in (run.start, run.end)), len(old)]
    result: list[str] = []
    position = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        kept = old[start:end]
        places = slice(1) if start == 0 else slice(-1, None) if end == len(old) else slice(None)
        found = _found(kept, new, position, places)
        if found is None:
            return None
        written = new[position : found.start] if start else []
        result = _joined(result, _filled(written), max(_blank(written), _parting(result, written)))
        result = _joined(result, kept, _blank(written[::-1]))
        position = found.end
    return "\n".join(result)


def _found(kept: Sequence[str], lines: Sequence[str], position: int, places: slice) -> Lines | None:
    """Where `lines` has those of `kept` that are not blank, one after the other, from `position` on; None if nowhere.

    `places` are those that come into question, of all that leave room.
    """
    wanted = [line for line in kept if line.strip()]
    filled = [n for n in range(position, len(lines)) if lines[n].strip()]
    for n in range(len(filled) - len(wanted) + 1)[places]:
        if all(lines[at] == line for at, line in zip(filled[n:], wanted, strict=False)):
            start = filled[n] if n < len(filled) else len(lines)
            return Lines(start, filled[n + len(wanted) - 1] + 1 if wanted else start)
    return None


def _parting(above: Sequence[str], written: Sequence[str]) -> int:
    """How many blank lines part a definition at module level from the statement above, which black may not see."""
    last = next((line for line in reversed(above) if line.strip()), "#")
    first = next((line for line in written if line.strip()), "")
    return 2 if first.startswith(_DEFINES) and not last.startswith(("#", "@")) else 0


def _joined(above: Sequence[str], below: Sequence[str], blanks: int) -> list[str]:
    """Both, with at least so many blank lines between them."""
    missing = blanks - _blank(above[::-1]) - _blank(below)
    return [*above, *[""] * missing, *below]


def _blank(lines: Sequence[str]) -> int:
    """How many lines are blank before the first that is not."""
    return next((n for n, line in enumerate(lines) if line.strip()), len(lines))


def _filled(lines: Sequence[str]) -> Sequence[str]:
    """Without the blank lines at either end."""
    return lines[_blank(lines) : len(lines) - _blank(lines[::-1])]


def _same_tree(text: str, formatted: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(formatted))
    except SyntaxError:
        return False


def _black(text: str, runs: Sequence[Lines], mode: black.Mode) -> str | None:
    """`text` with the statements in `runs` formatted; None where black fails."""
    if not runs:
        return text
    import black

    try:
        return black.format_str(text, mode=mode, lines=[(run.start + 1, run.end) for run in runs])
    except Exception:  # a formatter that stumbles must not cost the fix: it stays unformatted
        return None
