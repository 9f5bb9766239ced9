"""Whether a change is what its patches say: it is Python, and every statement they do not touch is as it was."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fixpickle.model import Overlay, Patch, Source


def check(sources: Mapping[Path, Source], texts: Overlay, patches: Sequence[Patch]) -> str:
    """The first reason why the new texts cannot be right, or an empty string."""
    for path, text in texts.items():
        try:
            tree = ast.parse(text, str(path))
            compile(tree, str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return f"{path.name} would not compile: {error}"
        if path in sources:
            reason = _untouched(sources[path], tree, patches)
            if reason:
                return reason
    return ""


def _untouched(source: Source, new: ast.Module, patches: Sequence[Patch]) -> str:
    """Module-level statements outside every edit must stand in the new tree, equal and in their order.

    An edit that inserts is about the statement it stands in, and about none where it stands between two.
    """
    ranges = [(e.start, e.end) for p in patches for e in p.edits if e.path == source.path]
    made = iter([ast.dump(s) for s in new.body])
    for statement, start, end in _placed(source):
        if any(a < end and start < b for a, b in ranges):
            continue
        if ast.dump(statement) not in made:  # consumes the iterator up to the statement, so order counts
            return f"line {statement.lineno} of {source.path.name} would be changed by an edit that is not about it"
    return ""


def _placed(source: Source) -> Iterator[tuple[ast.stmt, int, int]]:
    """The module-level statements with their character offsets, whole lines; the end of the text ends a line too."""
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", source.text)), len(source.text) + 1]
    for statement in ast.parse(source.text).body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        yield statement, starts[first - 1], starts[statement.end_lineno or first]
