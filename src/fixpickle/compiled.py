"""The code of texts that were compiled to check them: for whoever runs them in an interpreter of this very kind."""

from __future__ import annotations

import ast
import marshal
import sys
from dataclasses import dataclass

_MOST = 1000  # texts; a run that changes more compiles the rest twice
_KEPT: dict[tuple[str, str], bytes] = {}


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a text, as `marshal` writes it, and the kind of interpreter that made it."""

    data: bytes
    kind: str = sys.version


def compiled(path: str, tree: ast.Module) -> Code:
    """The code that an interpreter without options would make of a tree. Raises what `compile` raises."""
    return Code(marshal.dumps(compile(tree, path, "exec", dont_inherit=True, optimize=0)))


def keep(path: str, text: str, code: Code) -> None:
    """Has the code of a text kept, which may come from another process, if it is of this kind."""
    if code.kind == sys.version:
        if len(_KEPT) >= _MOST:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[path, text] = code.data


def code_of(path: str, text: str) -> bytes | None:
    """The code of a text that was compiled before, as `marshal` writes it."""
    return _KEPT.get((path, text))
