"""Methods of trainables by the names that Tune called them by once."""

from __future__ import annotations

from collections.abc import Iterator

from fixpickle.model import Span
from fixpickle.project import Project
from fixpickle.survey.facts import ClassFacts, Facts

GONE = (2, 3)
"""A release whose `Trainable` calls none of the old names: https://github.com/ray-project/ray, trainable.py."""

_BASES = frozenset({f"ray.tune.{where}Trainable" for where in ("", "trainable.", "trainable.trainable.")})
_TODAY = {
    "_setup": "setup",
    "_train": "step",
    "_save": "save_checkpoint",
    "_restore": "load_checkpoint",
    "_stop": "cleanup",
    "_log_result": "log_result",
}


def old_hooks(project: Project, facts: Facts) -> Iterator[tuple[Span, str, str]]:
    """Where a class stands that Tune would not find a `step` in, its name, and what its methods are called today."""
    for cls in facts.classes:
        if "_train" not in cls.methods:
            continue
        lineage = list(project.lineage(facts, cls.name))
        known = [found for _, found in lineage if found is not None]
        if any(symbol in _BASES for symbol, _ in lineage) and not any("step" in found.members for found in known):
            span = next((s.span for s in facts.statements if cls.name in s.binds), None)
            if span is not None:
                yield span, cls.name, _renamed(cls)


def _renamed(cls: ClassFacts) -> str:
    return ", ".join(f"{old} is {new}" for old, new in _TODAY.items() if old in cls.methods)
