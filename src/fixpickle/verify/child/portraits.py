"""What an instance and the objects that it holds look like, in words that two interpreters can compare.

Plain values are written down under the path that leads to them: `count`, `shelf.rows[0].name`. Objects within are
entered behind the back of their own methods, so that no code of theirs runs. Of what is neither plain nor an object
with attributes, only that it is there: somebody else's values have states and identities of their own.
"""

from __future__ import annotations

import collections
import types
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .modules import contents, has_hooks, named
from .plain import buffer, is_standard, items, plain

Portrait = Dict[str, Dict[str, str]]
"""What each object holds, by the path to it: a text for the path of each value."""

_LEFT_OUT = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(BaseException, types.CodeType, types.FrameType, types.TracebackType),
)
_OBJECTS = 100  # that are entered, and items of one container
_DEEP = 10  # objects and containers, one within the other
_SHARED = (list, dict, set, bytearray, collections.deque)  # that many may have, for one to change
_SOME = "some "  # and its class: that something is there is all that is compared


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
        self.met: Dict[int, Tuple[Any, str]] = {}

    def paint(self, value: Any, path: str = "", above: Sequence[Tuple[Any, str]] = ()) -> None:
        """Adds an object and what it holds. `above` are those on the way to it, with their paths."""
        if not path:
            self.hooks = has_hooks(type(value))
        shown = self.portrait.setdefault(path, {})
        for name, one in contents(value).items():
            if not any(name == w or (w.startswith("__") and name.endswith(w)) for w in self.without):
                self._add(shown, one, "%s.%s" % (path, name) if path else name, [*above, (value, path)])

    def _add(self, shown: Dict[str, str], value: Any, path: str, above: List[Tuple[Any, str]]) -> None:
        self.paths.add(path)
        text = plain(value)
        again = [place for one, place in above if one is value]
        if again:
            shown[path] = "what %s is" % (again[0] or "the instance")
        elif text is not None:
            shown[path] = text
            if isinstance(value, _SHARED):
                self._note(shown, value, path)
        elif len(self.portrait) <= _OBJECTS and len(above) <= _DEEP:
            self._within(shown, value, path, above)

    def _within(self, shown: Dict[str, str], value: Any, path: str, above: List[Tuple[Any, str]]) -> None:
        """Adds what is not plain, with what it holds where that must arrive."""
        kind, held = type(value), items(value, _OBJECTS)
        shown[path] = buffer(value) or _SOME + named(kind)
        if held is not None:
            count, first = held
            shown[path] = "a %s of %d" % (kind.__name__, count)
            if isinstance(value, _SHARED):
                self._note(shown, value, path)
            for step, one in first:
                self._add(shown, one, path + step, [*above, (value, path)])
        if is_standard(value) or issubclass(kind, _LEFT_OUT) or _inherited(kind) or not contents(value):
            return
        hooks = has_hooks(kind) and kind is not types.SimpleNamespace
        self.hooks = self.hooks or hooks
        if not hooks or self.entered(kind):
            if held is None:  # its own section tells of it
                del shown[path]
                self.portrait[path] = {path: "an instance of %s" % named(kind)}
                self._note(shown, value, path)
            self.paint(value, path, above)

    def _note(self, shown: Dict[str, str], value: Any, path: str) -> None:
        """Notes an object that another path leads to, too: it must arrive as one."""
        _, first = self.met.setdefault(id(value), (value, path))
        if first != path:
            shown["the identity of %s" % path] = "that of %s" % first

    def difference(self, was: Dict[str, str]) -> Iterator[str]:
        """The paths under which something else is found here than what was there, with both."""
        for path, text in was.items():
            now = self.shows(path)
            if now != text and not (text.startswith(_SOME) and path in self.paths and now != "None"):
                instead = now or ("something else" if path in self.paths else "nothing")
                yield "%s was %s and is %s" % (path, text, instead)

    def shows(self, path: str) -> Optional[str]:
        """What is found under a path, whatever object holds it."""
        return next((shown[path] for shown in self.portrait.values() if path in shown), None)


def _inherited(kind: type) -> bool:
    """Whether it is what a process is handed as it starts: its descriptors have other numbers there."""
    return kind.__module__.partition(".")[0] == "multiprocessing"
