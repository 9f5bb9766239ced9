"""Which patches of one round can be made side by side: each claims the stretches that it changes."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import Edit, Patch


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


class Claims:
    """What the patches so far change. Edits lie side by side, so only the neighbours of one can be in its way."""

    def __init__(self) -> None:
        self._edits: dict[Path, list[Edit]] = {}
        self._files: dict[Path, str] = {}

    def take(self, patch: Patch) -> bool:
        """Claims what a patch changes; False, and nothing is claimed, where another patch changes the same.

        Two insertions at one place can be made, and edits and new files that are the same.
        """
        if any(self._files.get(n.path, n.text) != n.text for n in patch.new_files):
            return False
        if any(_in_the_way(edit, other) for edit in patch.edits for other in self._near(edit)):
            return False
        for edit in patch.edits:
            insort(self._edits.setdefault(edit.path, []), edit, key=_place)
        self._files.update((n.path, n.text) for n in patch.new_files)
        return True

    def _near(self, edit: Edit) -> Iterator[Edit]:
        """The edits that may touch this one. In order of their starts they are in order of their ends as well."""
        edits = self._edits.get(edit.path, [])
        for at in range(bisect_right(edits, (edit.end, float("inf")), key=_place) - 1, -1, -1):
            if edits[at].end < edit.start:
                return
            yield edits[at]


def _in_the_way(a: Edit, b: Edit) -> bool:
    """Whether two edits change the same. One that inserts is not in the way of what begins or ends at its place."""
    if a == b:
        return False
    inserts = a.start == a.end or b.start == b.end
    if inserts and (a.start in (b.start, b.end) or b.start in (a.start, a.end)):
        return False
    return a.start < b.end and b.start < a.end
