"""Imports modules once, and asks classes and instances about themselves."""

from __future__ import annotations

import collections
import contextlib
import copyreg
import functools
import importlib
import sys
import types
from typing import Any, Dict, Optional, Set

from .failure import Failure, told
from .process import Answers, limit_met

_HOOKS = (
    *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
    *("__copy__", "__deepcopy__"),
)


class Modules:
    """Imports each module once, and remembers how that went."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.errors: Dict[str, Optional[str]] = {}

    def get(self, name: str) -> types.ModuleType:
        if name not in self.errors:
            self.answers.write(importing=name)
            self.errors[name] = None
            try:
                importlib.import_module(name)
            except BaseException as error:
                self.errors[name] = told(error)
            self.answers.write(imported=name)
        if self.errors[name] is not None:
            limit = limit_met(self.errors[name] or "")
            raise Failure("import", "%s when importing %s in %s%s" % (self.errors[name], name, sys.executable, limit))
        return sys.modules[name]


def resolve(module: types.ModuleType, dotted: str) -> Any:
    return functools.reduce(getattr, dotted.split("."), module)


def mangled(owner: str, attribute: str) -> str:
    if attribute.startswith("__") and not attribute.endswith("__"):
        return "_%s%s" % (owner.lstrip("_"), attribute)
    return attribute


def named(kind: type) -> str:
    return "%s:%s" % (kind.__module__, kind.__qualname__)


def findable(kind: type) -> bool:
    """Whether a class is what its name leads to."""
    try:
        return resolve(sys.modules[kind.__module__], kind.__qualname__) is kind
    except Exception:
        return False


def has_hooks(cls: type) -> bool:
    """Whether a class, or a base that is no built-in one, says itself what becomes of its state."""
    return cls in copyreg.dispatch_table or bool(hooks_of(cls))


def hooks_of(cls: type) -> Set[str]:
    """The methods by which it does."""
    bases = [base for base in cls.__mro__ if base.__module__ != "builtins"]
    return {name for name in _HOOKS if any(name in vars(base) for base in bases)}


def blank(cls: Any) -> Any:
    """An instance that no initialiser ran for."""
    try:
        return cls.__new__(cls)
    except Exception:
        return object.__new__(cls)


def contents(value: Any) -> Dict[str, Any]:
    """Every attribute that the instance itself holds, without a call of any method or property of its class."""
    held: Dict[str, Any] = {}
    for kind in type(value).__mro__:
        own = type.__getattribute__(kind, "__dict__")
        dictionary = own.get("__dict__")
        if isinstance(dictionary, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            held.update(dictionary.__get__(value))
        slots = own.get("__slots__", ())
        for slot in [slots] if isinstance(slots, str) else slots:
            member = own.get(mangled(kind.__name__, slot))
            if isinstance(member, types.MemberDescriptorType):
                with contextlib.suppress(AttributeError):
                    held[slot] = member.__get__(value)
    return held


def size(value: Any) -> int:
    """How many items it has, whatever its own `__len__` says; 0 for what is no container."""
    kinds: Any = (dict, list, set, frozenset, collections.deque)
    return next((kind.__len__(value) for kind in kinds if isinstance(value, kind)), 0)
