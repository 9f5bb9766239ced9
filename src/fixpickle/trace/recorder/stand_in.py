"""How what records takes the place of a function, and stays what it was to whoever keeps, inspects or pickles it."""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class StandIn:
    """What a method is bound to that takes the place of a function of a module in C.

    A class that keeps a function binds it; it does not bind such a function in C, and no method again. Whoever pickles
    the method pickles this, which is the module again where it is loaded, and the name in it.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules[self._module], name)

    def __reduce__(self) -> Any:
        from importlib import import_module

        return import_module, (self._module,)

    def __copy__(self) -> StandIn:
        return self

    def __deepcopy__(self, memo: Any) -> StandIn:
        return self

    def __repr__(self) -> str:
        return "<module %r>" % self._module


def method(made: Any, raw: Any, module: str) -> Any:
    """`made` without its first parameter, in the place of the function `raw` of a module."""
    made.__module__, made.__name__, made.__doc__ = module, raw.__name__, raw.__doc__
    made.__qualname__ = raw.__name__ + ".__func__"  # where picklers that take a method apart look for it
    made.__wrapped__ = raw
    return types.MethodType(made, StandIn(module))


def function(made: Any, raw: Any) -> Any:
    """`made` in the place of the function `raw`, which is one of Python's."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(made, name, getattr(raw, name, None))
    made.__wrapped__ = raw
    return made


def kept_whole(reduce: Any) -> Any:
    """What reduces methods for a pickler that takes them apart, and those of ours to what they stand in for."""
    return lambda one: one.__reduce__() if isinstance(one.__self__, StandIn) else reduce(one)
