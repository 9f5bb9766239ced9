"""black on the statements a fix wrote, and on nothing else. The only importer of black, and only once there is work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import black


@dataclass(frozen=True, slots=True, order=True)
class _Lines:
    """A stretch of lines, counted from 0, `end` excluded."""

    start: int
    end: int

    def touches(self, other: _Lines) -> bool:
        """Whether they share a line, or an empty `other` lies inside."""
        return self.start < other.end and other.start < self.end

    def within(self, other: _Lines) -> bool:
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class _Statement:
    """A simple statement, or the head of a compound one. `kind` is what stays the same if a fix changes it."""

    lines: _Lines
    kind: str
    words: tuple[str, ...]
    docstring: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of one text that became other lines in another."""

    old: _Lines
    new: _Lines


def tidy(old: str, new: str, path: Path) -> str:
    """`new` with the statements it does not share with `old` as black would have them, under the project's own options.

    A statement is formatted if the fix wrote it, or if it changed one that was as black would have it already: where
    nobody ever formatted a line, black would rewrite what the fix did not touch, and the diff would widen. All other
    lines keep every byte, and the syntax tree stays the same. Where that cannot be had, the lines in question stay as
    the fix wrote them: unformatted rather than wider. `path` says where black's options are looked for.
    """
    if old == new:
        return new
    before, after = _plain(old), _plain(new)
    if before is None or after is None:
        return new
    ending = "" if after.endswith("\n") else "\n"
    try:
        runs = _runs(before, after + ending, path)
    except SyntaxError:
        return new
    formatted = _format(after + ending, runs, path).removesuffix(ending)
    return formatted.replace("\n", "\r\n") if "\r\n" in new else formatted


def _plain(text: str) -> str | None:
    """`text` with `\\n` for its newlines; None where it mixes styles, which black would not keep apart."""
    plain = text.replace("\r\n", "\n")
    mixed = "\r" in plain or text.count("\r\n") not in (0, plain.count("\n"))
    return None if mixed else plain


# --- which lines ----------------------------------------------------------------------------------------------------


def _runs(before: str, after: str, path: Path) -> list[_Lines]:
    """The lines of `after` that black may have."""
    blocks = list(_blocks(before, after))
    if not blocks:
        return []
    olds, news = _statements(before), _statements(after)
    origins = _origins(blocks, olds, news)
    dirty = _dirty(before, sorted({o.lines for old in origins.values() for o in old}), path)
    ours = {line for block in blocks for line in range(block.new.start, block.new.end)}
    for new, old in origins.items():
        lines = range(new.lines.start, new.lines.end)
        written = bool(old) or any(new.lines.within(block.new) for block in blocks)
        # A docstring is part of what the program says: black would indent and strip it.
        if new.docstring or not written or any(o.lines in dirty for o in old):
            ours.difference_update(lines)
        else:
            ours.update(lines)
    return list(_contiguous(sorted(ours)))


def _origins(
    blocks: Sequence[_Block], olds: Sequence[_Statement], news: Sequence[_Statement]
) -> dict[_Statement, list[_Statement]]:
    """The new statements in `blocks`, each with the old ones it was made from: none where the fix wrote it."""
    found: dict[_Statement, list[_Statement]] = {}
    for block in blocks:
        rivals = [new for new in news if new.lines.touches(block.new)]
        for new in rivals:
            found.setdefault(new, [])
        for old in olds if rivals else ():
            if old.lines.touches(block.old):
                found[max(rivals, key=partial(_likeness, old))].append(old)
    return found


def _likeness(old: _Statement, new: _Statement) -> tuple[bool, float]:
    return old.kind == new.kind, SequenceMatcher(None, old.words, new.words, autojunk=False).quick_ratio()


def _dirty(before: str, lines: Sequence[_Lines], path: Path) -> frozenset[_Lines]:
    """Those of the old statements that black would have changed already."""
    formatted = _black(before, lines, path)
    if formatted is None:
        return frozenset(lines)
    blocks = list(_blocks(before, formatted))
    return frozenset(one for one in lines if any(one.touches(block.old) for block in blocks))


def _statements(text: str) -> list[_Statement]:
    """Every statement of `text`. Raises SyntaxError."""
    lines = text.split("\n")
    found: list[_Statement] = []
    for node in ast.walk(ast.parse(text)):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            # The body of a lambda and of a conditional expression is no list.
            if isinstance(body, list):
                found += (_statement(s, lines, _is_docstring(s, n, node)) for n, s in enumerate(body))
    return sorted(found, key=lambda s: s.lines)


def _statement(node: ast.stmt, lines: Sequence[str], docstring: bool) -> _Statement:
    start, end = _first_line(node), node.end_lineno or node.lineno
    inner: list[ast.stmt] = getattr(node, "body", [])
    if inner:
        # `if x: return` is one line that belongs to both: it goes as a whole.
        shared = lines[inner[0].lineno - 1].encode()[: inner[0].col_offset].strip()
        end = end if shared and not getattr(inner[0], "decorator_list", []) else _first_line(inner[0]) - 1
    elif isinstance(node, ast.Match):
        end = node.cases[0].pattern.lineno - 1
    own = _Lines(start - 1, end)
    text = "\n".join(lines[own.start : own.end])
    return _Statement(own, _kind(node), tuple(re.findall(r"\w+|[^\w\s]", text)), docstring)


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


def _blocks(old: str, new: str) -> Iterator[_Block]:
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
            yield _Block(_Lines(head + i, head + j), _Lines(head + k, head + m))


def _contiguous(numbers: Sequence[int]) -> Iterator[_Lines]:
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield _Lines(members[0], members[-1] + 1)


# --- black ----------------------------------------------------------------------------------------------------------


def _format(text: str, runs: Sequence[_Lines], path: Path) -> str:
    """`text` with black's form of `runs`, all of them or as many as leave the rest of the text alone."""
    formatted = _black(text, runs, path)
    if formatted is None or formatted == text:
        return text
    spliced = _spliced(text.split("\n"), formatted.split("\n"), _without_borders(text, runs))
    if spliced is not None and _same_tree(text, spliced):
        return spliced
    if len(runs) == 1:
        return text
    # From the end, so that the lines further up keep their numbers.
    half = len(runs) // 2
    return _format(_format(text, runs[half:], path), runs[:half], path)


def _without_borders(text: str, runs: Sequence[_Lines]) -> list[_Lines]:
    """The runs from their first to their last line that is not blank, joined where only blank lines part them."""
    lines = text.split("\n")
    filled = [n for run in runs for n in range(run.start, min(run.end, len(lines))) if lines[n].strip()]
    chosen = set(filled)
    for above, below in pairwise(filled):
        if not any(lines[n].strip() for n in range(above + 1, below)):
            chosen.update(range(above + 1, below))
    return list(_contiguous(sorted(chosen)))


def _spliced(old: Sequence[str], new: Sequence[str], runs: Sequence[_Lines]) -> list[str] | None:
    """`old` with `runs` as they are in `new`; None where `new` does not hold all other lines, in order and unbroken.

    Next to a run black may add blank lines but take none away: it miscounts them before lines it was told to leave.
    """
    edges = [0, *(edge for run in runs for edge in (run.start, run.end)), len(old)]
    stretches = [old[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    result, position = list(stretches[0]), _after(new, _trimmed(stretches[0]), 0)
    for number, below in enumerate(stretches[1:], 1):
        if position is None:
            return None
        last = number == len(runs)
        core = _trimmed(below)
        start = _before_end(new, core) if last else _find(new, core, position)
        if start is None or start < position:
            return None
        written = new[position:start]
        body = _trimmed(written)
        blank_above, blank_below = _leading(written), _leading(written[::-1]) if body else 0
        result += [""] * (blank_above - _leading(result[::-1]))
        result += [*body, *[""] * (blank_below - _leading(below)), *below]
        position = start + len(core)
    return result
def _same_tree(text: str, formatted: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(formatted))
    except SyntaxError:
        return False


def _black(text: str, runs: Sequence[_Lines], path: Path) -> str | None:
    """`text` with the statements in `runs` formatted; None where black fails."""
    if not runs:
        return text
    import black

    try:
        return black.format_str(text, mode=_mode(path.parent), lines=[(run.start + 1, run.end) for run in runs])
    except Exception:  # a formatter that stumbles must not cost the fix: it stays unformatted
        return None


@lru_cache
def _mode(folder: Path) -> black.Mode:
    """The options of the closest `[tool.black]`, up to the top of the repository; what is not said, black decides."""
    from black.files import parse_pyproject_toml
    from black.mode import Mode, Preview, TargetVersion

    config: dict[str, object] = {}
    for above in (folder, *folder.parents):
        try:
            found = parse_pyproject_toml(str(above / "pyproject.toml"))
        except (OSError, ValueError):
            found = {}
        # black infers the target from `requires-python`; alone it does not make a file black's configuration.
        config = config or found
        if found.keys() - {"target_version"}:
            config = found
            break
        if (above / ".git").exists():
            break
    try:
        return Mode(
            target_versions={TargetVersion[str(name).upper()] for name in _list(config.get("target_version"))},
            line_length=int(str(config.get("line_length", 88))),
            string_normalization=not config.get("skip_string_normalization", False),
            magic_trailing_comma=not config.get("skip_magic_trailing_comma", False),
            preview=bool(config.get("preview", False)),
            unstable=bool(config.get("unstable", False)),
            enabled_features={Preview[str(name)] for name in _list(config.get("enable_unstable_feature"))},
        )
    except (KeyError, ValueError):  # options black itself would refuse
        return Mode()


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
