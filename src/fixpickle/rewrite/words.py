"""Names that a person would choose, and that nothing in the module has yet."""

from __future__ import annotations

import builtins
import keyword
import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d]\w*")


def snake(*parts: str) -> str:
    """The words of several names in one: `PoolManager`, `dispose_func` -> `pool_manager_dispose_func`."""
    words: list[str] = []
    for part in parts:
        fresh = [w for w in _HUMP.sub("_", part).lower().split("_") if w]
        if words[-len(fresh) :] != fresh:
            words += fresh
    return "_".join(words)


def free_name(wanted: str, text: str, taken: set[str]) -> str:
    """`wanted`, or `wanted_2` and so on: a name that stands nowhere in `text`, not even in a string, nor in `taken`.

    The name is added to `taken`.
    """
    used = set(_WORD.findall(text)) | taken
    name, number = wanted, 1
    while name in used or keyword.iskeyword(name) or hasattr(builtins, name):
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name
