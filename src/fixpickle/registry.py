"""Which rules exist: every module of every pack announced under the entry-point group `fixpickle.codemods`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from fixpickle.packs import BUILT_IN, GROUP, packs
from fixpickle.rule import Rule

__all__ = ["BUILT_IN", "GROUP", "load_rules"]


def load_rules() -> tuple[Rule, ...]:
    """All rules, by name. A pack is a package; each public module of it ends in `RULE = TheRule()`.

    Raises ImportError where a pack cannot be imported, ValueError where two packs have a rule of one name.
    """
    found: dict[str, Rule] = {}
    for pack in packs():
        for rule in _rules_of(importlib.import_module(pack)):
            if rule.name in found:
                raise ValueError(f"two packs have a rule named {rule.name}")
            found[rule.name] = rule
    return tuple(found[name] for name in sorted(found))


def _rules_of(pack: ModuleType) -> list[Rule]:
    names = [m.name for m in pkgutil.iter_modules(pack.__path__) if not m.name.startswith("_")]
    modules = [importlib.import_module(f"{pack.__name__}.{name}") for name in sorted(names)]
    return [m.RULE for m in modules if isinstance(getattr(m, "RULE", None), Rule)]
