"""Which packs of rules are installed, and where; none of them is imported."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "fixpickle.codemods"
BUILT_IN = "fixpickle_codemods"


def packs() -> tuple[str, ...]:
    """The packages announced under the entry-point group :data:`GROUP`, the built-in one included, by name."""
    return tuple(sorted({point.value for point in entry_points(group=GROUP)} | {BUILT_IN}))


def folders() -> tuple[Path, ...]:
    """Where the modules of the packs are."""
    found = (find_spec(pack) for pack in packs())
    return tuple(Path(place) for spec in found if spec is not None for place in spec.submodule_search_locations or ())
