"""The code of texts that were compiled to check them: for whoever runs them in an interpreter of this very kind."""

from __future__ import annotations

import ast
import types

_MOST = 1000  # texts; a run that changes more compiles the rest twice
_KEPT: dict[tuple[str, str], types.CodeType] = {}


def compile_once(path: str, text: str, tree: ast.Module) -> None:
    """Compiles the tree of a text as an interpreter does that was given no options. Raises what `compile` raises."""
    if (path, text) not in _KEPT:
        code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
        if len(_KEPT) >= _MOST:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[path, text] = code


def code_of(path: str, text: str) -> types.CodeType | None:
    """The code of a text that was compiled before."""
    return _KEPT.get((path, text))
