"""Values that are nothing but what they hold, as texts that two interpreters can compare.

No method of a class of the user's is called to get at them: a subclass of a built-in one is asked as that one.
"""

from __future__ import annotations

import collections
import copyreg
import enum
import functools
import itertools
import sys
import types
from typing import Any, Iterator, List, Optional, Tuple

from .modules import contents, has_hooks, hooks_of, named
from .prints import digest

_VALUES = 100_000  # that are looked at in one attribute
_BYTES = 64 << 20  # that are looked at in one buffer
_SCALARS = (str, bytes, bytearray, int, float, complex)
# Of the standard library: values whose repr says all of them, and names no address.
_TOLD = ("datetime", "decimal", "fractions", "uuid", "array")
_DEFINED = (types.FunctionType, types.BuiltinFunctionType, type)
_MODULE = (types.ModuleType, type(None))
_CONTAINERS: Tuple[Any, ...] = (list, tuple, dict, set, frozenset, collections.deque)
_STANDARD = (*_CONTAINERS, collections.OrderedDict, collections.defaultdict, collections.Counter)
_CHANGING = ("__iter__", "__setitem__", "items", "append", "extend", "add", "update")


def plain(value: Any) -> Optional[str]:
    """A plain value as a text of at most 150 characters; None for any other value."""
    try:
        text = "".join(_written(value, [_VALUES]))
    except Exception:  # nested too deeply, or a repr that fails
        return None
    return text if len(text) <= 80 else "%s\u2026 (%s)" % (text[:60], digest(text))


class _NotPlain(Exception):
    """It has a state or an identity of its own."""


def _written(value: Any, left: List[int]) -> Iterator[str]:
    left[0] -= 1
    if left[0] < 0:
        raise _NotPlain
    kind = type(value)
    if kind is int:
        yield repr(value) if value.bit_length() < 10_000 else hex(value)  # Python writes no more than 4300 digits
    elif value is None or kind in (bool, float, complex, str, bytes, bytearray, range) or _is_path(kind):
        yield repr(value)
    elif issubclass(kind, enum.Enum):
        yield "%s.%s" % (kind.__name__, value._name_ or value._value_)
    elif kind in (list, tuple):
        yield kind.__name__ + "("
        for one in value:
            yield from _written(one, left)
            yield ", "
        yield ")"
    elif kind in (set, frozenset):
        yield "%s(%s)" % (kind.__name__, ", ".join(sorted("".join(_written(one, left)) for one in value)))
    elif kind is dict:
        yield "{"
        for key, one in value.items():
            yield from _written(key, left)
            yield ": "
            yield from _written(one, left)
            yield ", "
        yield "}"
    elif kind.__module__ in _TOLD:
        yield repr(value)
    else:
        yield _by_name(value) or _scalar(value)


def _by_name(value: Any) -> str:
    """A function or class, which is what its name says; empty for anything else."""
    bound = isinstance(value, types.BuiltinFunctionType) and not isinstance(value.__self__, _MODULE)
    if bound or not isinstance(value, _DEFINED):
        return ""
    ask = type.__getattribute__ if isinstance(value, type) else object.__getattribute__
    return "%s.%s" % (ask(value, "__module__"), ask(value, "__qualname__"))


def _scalar(value: Any) -> str:
    """A number or text of a class of its own that holds nothing else."""
    kind = type(value)
    base: Any = next((one for one in _SCALARS if issubclass(kind, one)), None)
    if base is None or has_hooks(kind) or contents(value):
        raise _NotPlain
    return "%s(%s)" % (named(kind), base.__repr__(value))


def items(value: Any, most: int) -> Optional[Tuple[int, List[Tuple[str, Any]]]]:
    """How many a container holds, and the first of them, each with the step to it.

    None for what is no container, or does not promise to keep what it holds. To what a set holds, or a dictionary under
    a key that is not plain, there is no step.
    """
    kind = type(value)
    if kind is functools.partial:
        return 3, [(".func", value.func), (".args", value.args), (".keywords", value.keywords)]
    base: Any = next((one for one in _CONTAINERS if issubclass(kind, one)), None)
    if base is None or not (kind in _STANDARD or _keeps(kind)):
        return None
    found: List[Tuple[str, Any]] = []
    if base is dict:
        pairs = [(plain(key), one) for key, one in itertools.islice(dict.items(value), most)]
        found = [("[%s]" % text, one) for text, one in pairs if text is not None]
    elif base not in (set, frozenset):
        found = [("[%d]" % number, one) for number, one in enumerate(itertools.islice(base.__iter__(value), most))]
    return base.__len__(value), found


def is_standard(value: Any) -> bool:
    """Whether it is one of Python's own containers, which hold nothing else."""
    return type(value) in _STANDARD


def _keeps(kind: type) -> bool:
    """Whether pickle takes what the container holds out of it, and puts it back, without methods of its class."""
    own = [base for base in kind.__mro__ if base.__module__ not in ("builtins", "collections")]
    harmless = {"__getnewargs__"} if issubclass(kind, tuple) and "_fields" in dir(kind) else set()
    told = kind in copyreg.dispatch_table or not hooks_of(kind) <= harmless
    return not told and not any(name in vars(base) for base in own for name in _CHANGING)


def buffer(value: Any) -> Optional[str]:
    """What an array of numbers holds, as its bytes; None where it is no such thing."""
    if any(isinstance(vars(base).get("__buffer__"), types.FunctionType) for base in type(value).__mro__):
        return None
    try:
        with memoryview(value) as view:
            if set("OP&") & set(view.format):
                return None
            held = view.tobytes() if view.nbytes <= _BYTES else b""
            return "%s of %s (%s)" % (view.format, view.shape, digest(held.hex()))
    except Exception:
        return None


def _is_path(kind: type) -> bool:
    pathlib: Any = sys.modules.get("pathlib")  # where nobody has imported it, there are no paths
    return pathlib is not None and issubclass(kind, pathlib.PurePath)
