"""Libcst helpers every rule uses: a definition lifted to module level, a free name, an import, a runtime module."""

from fixpickle.rewrite.hooks import ByName, Rebuilt, remade_hooks, state_hooks
from fixpickle.rewrite.imports import (
    Imported,
    import_line,
    namespaced,
    require,
    require_runtime,
    runtime_module,
    vendored,
)
from fixpickle.rewrite.indent import deeper, unit_below
from fixpickle.rewrite.lift import Early, Lifted, Renaming, lift
from fixpickle.rewrite.methods import class_at, first_lines, last_line, method_of, methods_behind
from fixpickle.rewrite.objects import Callable_, lift_object
from fixpickle.rewrite.place import (
    attached_start,
    before_statement,
    below_statement,
    block_end,
    in_place_of,
    line_end,
    line_start,
    starts_line,
    without_lines,
    without_statement,
)
from fixpickle.rewrite.unimport import without_import
from fixpickle.rewrite.words import free_name, pascal, snake

__all__ = [
    "ByName",
    "Callable_",
    "Early",
    "Imported",
    "Lifted",
    "Rebuilt",
    "Renaming",
    "attached_start",
    "before_statement",
    "below_statement",
    "block_end",
    "class_at",
    "deeper",
    "first_lines",
    "free_name",
    "import_line",
    "in_place_of",
    "last_line",
    "lift",
    "lift_object",
    "line_end",
    "line_start",
    "method_of",
    "methods_behind",
    "namespaced",
    "pascal",
    "remade_hooks",
    "require",
    "require_runtime",
    "runtime_module",
    "snake",
    "starts_line",
    "state_hooks",
    "unit_below",
    "vendored",
    "without_import",
    "without_lines",
    "without_statement",
]
