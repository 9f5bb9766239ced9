"""The files that the recorder shares with the children of the proof, loaded by their path."""

from __future__ import annotations

import importlib.machinery
import os
import sys

# What fails in one thread is looked into by modules that need `typing`. If they were the first to import it, another
# thread that makes a data class meanwhile would find half of it: `dataclasses` takes it from `sys.modules` as it is.
import typing  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_LOADED: Dict[str, Any] = {}


def _load(name: str) -> Any:
    path = os.path.join(_SOURCE, "verify", name + ".py")
    loader = importlib.machinery.SourceFileLoader("_fixpickle_" + name, path)
    module = sys.modules[loader.name] = type(sys)(loader.name)
    module.__file__ = path
    loader.exec_module(module)
    _LOADED[name] = module
    return module


whose: Any = _load("whose")


def leaves() -> Any:
    """What finds the parts that fail. It derives from the picklers, and so comes when they are needed."""
    return _LOADED.get("leaves") or _load("leaves")


def faults() -> Any:
    """What finds the class that cannot be loaded, likewise."""
    return _LOADED.get("faults") or _load("faults")


def origins() -> Any:
    """What finds the line where something was made."""
    return _LOADED.get("origins") or _load("origins")


def forget() -> None:
    """Let go what was read to find such lines."""
    if "origins" in _LOADED:
        _LOADED["origins"].forget()
