"""Libcst helpers every rule uses: a definition lifted to module level, a free name, an import, a runtime module."""

from fixpickle.rewrite.imports import (
    Imported,
    import_line,
    namespaced,
    require,
    require_runtime,
    runtime_module,
    vendored,
)
from fixpickle.rewrite.lift import Lifted, Renaming, lift
from fixpickle.rewrite.place import (
    attached_start,
    before_statement,
    below_statement,
    in_place_of,
    line_end,
    line_start,
    without_statement,
)
from fixpickle.rewrite.words import free_name, snake

__all__ = [
    "Imported",
    "Lifted",
    "Renaming",
    "attached_start",
    "before_statement",
    "below_statement",
    "free_name",
    "import_line",
    "in_place_of",
    "lift",
    "line_end",
    "line_start",
    "namespaced",
    "require",
    "require_runtime",
    "runtime_module",
    "snake",
    "vendored",
    "without_statement",
]
