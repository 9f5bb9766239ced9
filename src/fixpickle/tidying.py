"""Changed files formatted side by side, on other machines too. What a worker needs of one comes with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fixpickle.workers import Executor, at_once, each_of

if TYPE_CHECKING:
    from fixpickle.rewrite.form import Options

_MOST = 4096  # texts that were formatted and may be asked for once more

Draft = tuple[str, str, Path]
"""A text as it was, as the edits of a fix left it, and where its file is."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Order:
    old: str
    new: str
    options: Options


class Tidying:
    """Formats the drafts of a run, each once however often it is asked for. Where there are many, over an executor."""

    def __init__(self, executor: Executor | None, progress: Progress) -> None:
        self._executor, self._progress = executor, progress
        self._done: dict[bytes, str] = {}

    def __call__(self, drafts: Sequence[Draft]) -> list[str]:
        from fixpickle.rewrite.form import options_of
        from fixpickle.rewrite.style import formattable

        marks = [_mark(draft) for draft in drafts]
        asked = {
            mark: _Order(old, new, options_of(path.parent))
            for mark, (old, new, path) in zip(marks, drafts, strict=True)
            if mark not in self._done and formattable(old, new, path)
        }
        texts = self._styled(list(asked.values()))
        found = {**self._done, **dict(zip(asked, texts, strict=True))}
        self._done = dict(list(found.items())[-_MOST:])
        return [found.get(mark, new) for mark, (_, new, _) in zip(marks, drafts, strict=True)]

    def _styled(self, orders: Sequence[_Order]) -> list[str]:
        from fixpickle.rewrite.style import styled

        texts: list[str] = []
        together = at_once([order.new for order in orders])
        given = each_of(self._executor, partial(_by_black, _black()), orders, together=together)
        for number, (order, text) in enumerate(zip(orders, given, strict=True), 1):
            self._progress("rewriting", number, len(orders))
            texts.append(text if text is not None else styled(order.old, order.new, order.options))
        return texts


def _mark(draft: Draft) -> bytes:
    old, new, path = draft
    parts = (text.encode("utf-8", "surrogatepass") for text in (old, new, str(path)))
    return b"".join(hashlib.sha256(part).digest() for part in parts)


@lru_cache
def _black() -> str:
    """The release of black that is installed; empty where there is none."""
    try:
        return version("black")
    except ImportError:  # as importlib.metadata says it
        return ""


def _by_black(release: str, order: _Order) -> str | None:
    """The text formatted by that release of black; None where a worker has another one, or none."""
    if _black() != release:
        return None
    try:
        from fixpickle.rewrite.style import styled
    except ImportError:
        return None
    return styled(order.old, order.new, order.options)
