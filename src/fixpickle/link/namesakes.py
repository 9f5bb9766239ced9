"""Which files a name leads to where several modules have the same one: each folder of scripts has its `utils.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from fixpickle.survey.facts import Facts

_MOST = 1000  # files that are linked by themselves: more would take the memory of the whole tree again, for each root


class Namesakes:
    """Tells the import roots whose names must be read by themselves, and the files that these names lead to.

    A script finds the modules of its own folder first, so of two `utils.py` it means the one beside it. Where that
    concerns more than a thousand files of a root, all of them are read together, as if no names were shared.
    """

    def __init__(self, files: Sequence[Facts]) -> None:
        self.files = files
        self._reached: dict[Path, tuple[Facts, ...]] = {}

    def apart(self, facts: Facts) -> bool:
        """Whether a file, or one that it imports over however many steps, shares the name of its module."""
        return bool(self._shared) and facts.path in self._entangled and bool(self.reached_from(facts.root))

    def reached_from(self, root: Path) -> tuple[Facts, ...]:
        """The files of that import root for which this is so, and those they import; no two have the same name.

        None where there are too many.
        """
        if root not in self._reached:
            found = self._found_from(root)
            self._reached[root] = tuple(found) if len(found) <= _MOST else ()
        return self._reached[root]

    def _found_from(self, root: Path) -> Collection[Facts]:
        """Not all of them where there are too many."""
        found = {f.module: f for f in self.files if f.root == root and f.path in self._entangled}
        waiting = list(found.values())
        while waiting and len(found) <= _MOST:
            fresh = [f for f in self._imported(waiting.pop()) if f.module not in found]
            found |= {f.module: f for f in fresh}
            waiting += fresh
        return found.values()

    @cached_property
    def _shared(self) -> frozenset[str]:
        counted = Counter(f.module for f in self.files)
        return frozenset(module for module, times in counted.items() if times > 1)

    @cached_property
    def _places(self) -> dict[tuple[Path, str], Facts]:
        return {(f.root, f.module): f for f in self.files if f.module in self._shared}

    @cached_property
    def _alone(self) -> dict[str, Facts]:
        return {f.module: f for f in self.files if f.module not in self._shared}

    @cached_property
    def _entangled(self) -> frozenset[Path]:
        importers: dict[Path, list[Path]] = {}
        for facts in self.files:
            for other in self._imported(facts):
                importers.setdefault(other.path, []).append(facts.path)
        found = {f.path for f in self.files if f.module in self._shared}
        waiting = list(found)
        while waiting:
            fresh = set(importers.get(waiting.pop(), ())) - found
            found |= fresh
            waiting += fresh
        return frozenset(found)

    def _imported(self, facts: Facts) -> Iterator[Facts]:
        """The files that a file's imports load: of its own root first, else the only one of that name."""
        for name in dict.fromkeys(_prefixes(n for i in facts.imports for n in (i.module, i.target))):
            other = self._places.get((facts.root, name)) or self._alone.get(name)
            if other is not None and other is not facts:
                yield other


def _prefixes(names: Iterable[str]) -> Iterator[str]:
    """`a.b.c`, `a.b` and `a` for `a.b.c`: what stands above a module is loaded before it."""
    for name in names:
        while name:
            yield name
            name = name.rpartition(".")[0]
