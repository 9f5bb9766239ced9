"""What an instance and the objects that it holds look like, in words that two interpreters can compare.

Plain values are written down under the path that leads to them: `count`, `shelf.rows[0].name`. Objects within are
entered behind the back of their own methods, so that no code of theirs runs. What is neither plain nor an object with
attributes is left out: somebody else's values have states and identities of their own.
"""

from __future__ import annotations

import copyreg
import enum
import sys
import types
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .modules import contents, named
from .prints import digest

Portrait = Dict[str, Dict[str, str]]
"""What each object holds, by the path to it: a text for the path of each value."""

_HOOKS = (
    *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
    *("__copy__", "__deepcopy__"),
)
_LEFT_OUT = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(BaseException, types.CodeType, types.FrameType, types.TracebackType),
)
_VALUES = 2000  # that are looked at in one attribute
_OBJECTS = 100  # that are entered
_DEEP = 10  # objects and containers, one within the other


def has_hooks(cls: type) -> bool:
    """Whether a class, or a base that is no built-in one, says itself what becomes of its state."""
    return cls in copyreg.dispatch_table or any(
        name in vars(base) for base in cls.__mro__ if base.__module__ != "builtins" for name in _HOOKS
    )


class Painter:
    """Paints one instance, without the attributes that are named, as they are written in their classes.

    Classes without hooks are entered, those with hooks where they are `entered`. The portrait has a section for each
    object, by its path, which for the instance itself is empty. `hooks` says whether any class with hooks was met.
    """

    def __init__(self, without: Sequence[str], entered: Callable[[type], bool]) -> None:
        self.without = without
        self.entered = entered
        self.portrait: Portrait = {}
        self.hooks = False
        self.paths: Set[str] = set()

    def paint(self, value: Any, path: str = "", above: Sequence[Tuple[Any, str]] = ()) -> None:
        """Adds an object and what it holds. `above` are those on the way to it, with their paths."""
        cls = type(value)
        hooks = has_hooks(cls)
        self.hooks = self.hooks or hooks
        if path and hooks and not self.entered(cls):
            return
        shown = self.portrait[path] = {path: "an instance of %s" % named(cls)} if path else {}
        for name, one in contents(value).items():
            if not any(name == w or (w.startswith("__") and name.endswith(w)) for w in self.without):
                self._add(shown, one, "%s.%s" % (path, name) if path else name, [*above, (value, path)])

    def _add(self, shown: Dict[str, str], value: Any, path: str, above: List[Tuple[Any, str]]) -> None:
        self.paths.add(path)
        kind, text = type(value), plain(value)
        met = [place for one, place in above if one is value]
        if met:
            text = "what %s is" % (met[0] or "the instance")
        if text is not None:
            shown[path] = text
        elif len(self.portrait) > _OBJECTS or len(above) > _DEEP:
            return
        elif kind in (list, tuple):
            for number, one in enumerate(value[:_OBJECTS]):
                self._add(shown, one, "%s[%d]" % (path, number), [*above, (value, path)])
        elif kind is dict:
            for key, one in list(value.items())[:_OBJECTS]:
                known = plain(key)
                if known is not None:
                    self._add(shown, one, "%s[%s]" % (path, known), [*above, (value, path)])
        elif not issubclass(kind, _LEFT_OUT) and not _inherited(kind) and contents(value):
            self.paint(value, path, above)

    def difference(self, was: Dict[str, str]) -> Iterator[str]:
        """The paths under which something else is found here than what was there, with both."""
        for path, text in was.items():
            now = self.shows(path)
            if now != text:
                instead = now or ("something else" if path in self.paths else "nothing")
                yield "%s was %s and is %s" % (path, text, instead)

    def shows(self, path: str) -> Optional[str]:
        """What is found under a path, whatever object holds it."""
        return next((shown[path] for shown in self.portrait.values() if path in shown), None)


def _inherited(kind: type) -> bool:
    """Whether it is what a process is handed as it starts: its descriptors have other numbers there."""
    return kind.__module__.partition(".")[0] == "multiprocessing"


def plain(value: Any) -> Optional[str]:
    """A plain value as a text of at most 150 characters; None for any other value."""
    try:
        text = "".join(_written(value, [_VALUES]))
    except (_NotPlain, RecursionError):
        return None
    return text if len(text) <= 80 else "%s\u2026 (%s)" % (text[:60], digest(text))


class _NotPlain(Exception):
    """It has a state or an identity of its own."""


def _written(value: Any, left: List[int]) -> Iterator[str]:
    left[0] -= 1
    if left[0] < 0:
        raise _NotPlain
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes, bytearray, range) or _is_path(kind):
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
    else:
        raise _NotPlain


def _is_path(kind: type) -> bool:
    pathlib: Any = sys.modules.get("pathlib")  # where nobody has imported it, there are no paths
    return pathlib is not None and issubclass(kind, pathlib.PurePath)
