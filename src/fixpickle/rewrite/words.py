"""Names that a person would choose, and that nothing in the module has yet."""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
from functools import lru_cache

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d]\w*")


def snake(*parts: str) -> str:
    """The words of several names in one: `PoolManager`, `dispose_func` -> `pool_manager_dispose_func`.

    What one ends with and the next begins with is said once: `make_step`, `step_size` -> `make_step_size`.
    """
    words: list[str] = []
    for part in parts:
        fresh = [w for w in _HUMP.sub("_", part).lower().split("_") if w]
        shared = next(n for n in range(len(fresh), -1, -1) if words[len(words) - n :] == fresh[:n])
        words += fresh[shared:]
    return "_".join(words)


def pascal(name: str) -> str:
    """A private function's name as a class': `_step_scaled` -> `_StepScaled`."""
    return "_" + "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def free_name(wanted: str, text: str, taken: set[str], *others: str) -> str:
    """`wanted`, the first of `others`, or `wanted_2` and so on: a name that stands nowhere in `text` nor in `taken`.

    Strings and comments of `text` count. The name is added to `taken`.
    """
    used = _words(text)
    numbered = (f"{wanted}_{number}" for number in itertools.count(2))
    name = next(
        n for n in itertools.chain((wanted, *others), numbered) if not (n in used or n in taken or _reserved(n))
    )
    taken.add(name)
    return name


@lru_cache(8)
def _words(text: str) -> frozenset[str]:
    """A file with many findings is asked for as many names."""
    return frozenset(_WORD.findall(text))


def _reserved(name: str) -> bool:
    return keyword.iskeyword(name) or hasattr(builtins, name)
