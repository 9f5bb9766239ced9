"""Whose a source file is. Standard library alone, any CPython from 3.8; loaded by its path, and quickly."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict

_LIBRARY = os.path.join(os.path.dirname(os.path.realpath(os.__file__)), "")
_PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "")
_KNOWN: Dict[str, bool] = {"<stdin>": True}


def own(path: str) -> bool:
    """Whether a file is the user's own: not the standard library's, an installed package's or fixpickle's."""
    known = _KNOWN.get(path)
    if known is None:
        real = os.path.realpath(path)
        outside = real.startswith((_LIBRARY, _OURS)) or any(part in real for part in _PACKAGES)
        known = _KNOWN[path] = not outside and os.path.isfile(real)
    return known
