"""The words: small frozen values that every other part of fixpickle speaks in.

Nothing here holds a syntax tree or an open resource, so every value can be pickled, printed and compared.
Offsets are characters in :attr:`Source.text`, lines and columns count from 1.

A part is loaded when the first of its names is asked for: making sixty classes takes as long as starting Python.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixpickle.model.findings import *
    from fixpickle.model.reach import *
    from fixpickle.model.results import *
    from fixpickle.model.settings import *
    from fixpickle.model.sources import *
    from fixpickle.model.subjects import *
    from fixpickle.model.verdicts import *

_NAMES = {
    "findings": "Edit Finding NewFile Patch",
    "reach": "Evidence Reach Safety Traced library_pickler",
    "results": "Carrier Change Fixed Left Offer RunReport Suppressed TakenBack",
    "settings": "BoundaryEntry Color Format Known Pair Runtime Settings Strategy Workers",
    "sources": "Refusal Source Span below",
    "subjects": "ByCall ByContents ByExpression ByIdentity ByReference ByState ByValue CellsRun FromScript "
    "ImportWeight Instance LokyTrip Origin Respawned Subject Trainable Unloaded WorkerState",
    "verdicts": "Compose Ground Overlay Proved Refuted Unproved Verdict",
}
_PART = {name: part for part, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _PART:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_PART[name]}"), name)
    return value
