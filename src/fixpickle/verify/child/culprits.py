"""Which part of an instance is in the way, and where its class sets it."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
from typing import Any, Iterator

from .. import leaves
from .modules import mangled
from .serving import Overlay


def culprit(value: Any, overlay: Overlay) -> str:
    """Which part of an instance cannot be pickled and where its class sets it; empty where that is not known."""
    found = leaves.leaves(value, most=1, seconds=5.0)
    if not found or not found[0].steps:
        return ""
    keeper, attribute = leaves.holder(value, found[0].steps)
    path = leaves.written(type(value).__name__, found[0].steps)
    where = _set_at(type(keeper), attribute, overlay) if attribute else ""
    return "%s is %s%s" % (path, leaves.described(found[0].value), where)


def _set_at(cls: type, attribute: str, overlay: Overlay) -> str:
    """Where the class, or a base of it, sets the attribute: ", set in Pool at pool.py:6"."""
    for base in cls.__mro__:
        path = getattr(sys.modules.get(base.__module__), "__file__", None) or ""
        with contextlib.suppress(Exception):
            for node in ast.walk(ast.parse(overlay.source(path))):
                if isinstance(node, ast.ClassDef) and node.name == base.__name__:
                    for line in _settings(node, attribute, base.__name__):
                        return ", set in %s at %s:%d" % (base.__name__, os.path.basename(path), line)
    return ""


def _settings(cls: ast.ClassDef, attribute: str, owner: str) -> Iterator[int]:
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if mangled(owner, node.attr) == attribute:
                yield node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == attribute:
            yield node.lineno
