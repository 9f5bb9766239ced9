"""Private names: in the body of a class `Owner`, `__name` means `_Owner__name`.

The Python Language Reference, 6.2.1: Private name mangling.
"""

from __future__ import annotations


def is_private(name: str) -> bool:
    """Whether a class mangles the name."""
    return name.startswith("__") and not name.endswith("__")


def mangled(name: str, cls: str) -> str:
    """What a name, as it is written in the body of the class of that name or qualified name, is stored under."""
    owner = cls.rpartition(".")[2].lstrip("_")
    return f"_{owner}{name}" if is_private(name) and owner else name
