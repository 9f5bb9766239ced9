"""Which part of an instance is in the way, and where its class sets it."""

from __future__ import annotations

import ast
import contextlib
import dis
import inspect
import io
import os
import sys
import types
from typing import Any, Iterator

from .. import leaves
from .picklers import library
from .serving import Overlay


def culprit(value: Any, overlay: Overlay, pickler: str = "pickle") -> str:
    """Which part of an instance cannot be pickled and where its class sets it; empty where that is not known."""
    if pickler == "dill":
        return ""  # it is no pickler that could be followed
    like = library(pickler).Pickler(io.BytesIO()) if "cloudpickle" in pickler else None
    found = leaves.leaves(value, like, most=1, seconds=5.0)
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
        lines = (_stored(base, attribute, path), _annotated(base, attribute, path, overlay))
        for line in (line for found in lines for line in found):
            return ", set in %s at %s:%d" % (base.__name__, os.path.basename(path), line)
    return ""


def _stored(cls: type, attribute: str, path: str) -> Iterator[int]:
    """The lines on which methods of the class store the attribute, from their code: nothing has to be parsed."""
    for member in list(vars(cls).values()):
        for function in (member, *(getattr(member, name, None) for name in ("__func__", "fget", "fset", "func"))):
            code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
            pending = [code] if isinstance(code, types.CodeType) and code.co_filename == path else []
            while pending:
                code = pending.pop()
                pending += [one for one in code.co_consts if isinstance(one, types.CodeType)]
                line = code.co_firstlineno
                for step in dis.get_instructions(code) if attribute in code.co_names else ():
                    line = _line(step) or line
                    if step.opname == "STORE_ATTR" and step.argval == attribute:
                        yield line


def _line(step: dis.Instruction) -> int:
    starts = getattr(step, "line_number", None) or step.starts_line  # a line up to 3.12, from 3.13 whether one starts
    return starts if isinstance(starts, int) and not isinstance(starts, bool) else 0


def _annotated(cls: type, attribute: str, path: str, overlay: Overlay) -> Iterator[int]:
    # From Python 3.14 a function makes the annotations when somebody asks, and may fail: the source tells them as well.
    if attribute not in vars(cls).get("__annotations__", ()) and "__annotate_func__" not in vars(cls):
        return
    with contextlib.suppress(Exception):
        for node in ast.walk(overlay.tree(path)):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                for one in node.body:
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                        if one.target.id == attribute:
                            yield one.lineno
