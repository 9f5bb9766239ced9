"""Where pickling fails: the way from a value to each part of it that cannot be pickled.

Standard library alone, any CPython from 3.8. The children of fixpickle load this file by its path and nobody imports
it. It works inside the process that holds the value: hooks such as `__reduce__` and `__getstate__` run once more.

The pickler of the standard library in Python is followed from value to part. It keeps a table of its own, since
`import dill` changes the one of `pickle._Pickler`.
"""

from __future__ import annotations

import collections
import copy
import functools
import pickle
import time
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

Step = Tuple[str, Any]


class Leaf(NamedTuple):
    """A part that cannot be pickled: the steps to it, each with what it leads to, the part itself, and why not."""

    steps: Sequence[Step]
    value: Any
    error: BaseException


def leaves(value: Any, like: Any = None, most: int = 50, seconds: float = 10.0) -> List[Leaf]:
    """The parts of `value` that cannot be pickled, innermost ones only, in the order in which pickle meets them.

    `like` is the pickler whose reducers count, None for plain pickle. Gives at most `most`, found within `seconds`.
    """
    tracer = _Tracer(like, most, time.monotonic() + seconds)
    try:
        tracer.dump(value)
    except _Enough:
        pass
    except Exception as error:  # nested too deeply, all of it
        tracer.found.append(Leaf([], value, error))
    return tracer.found


def unwound(value: Any, error: BaseException) -> List[Leaf]:
    """The part of `value` that `copy.deepcopy` could not copy, by the frames of the error; none where it is all."""
    stack: List[_Frame] = []
    trace = error.__traceback__
    while trace is not None:
        code, held = trace.tb_frame.f_code, trace.tb_frame.f_locals
        if code.co_filename == copy.__file__ and code.co_name == "deepcopy":
            stack.append(_Frame(held["x"]))
        elif code.co_filename == copy.__file__ and code.co_name == "_reconstruct" and stack:
            stack[-1].reduced = (held["func"], held["args"], held["state"])
        trace = trace.tb_next
    return [Leaf(list(_steps(stack)), stack[-1].obj, error)] if len(stack) > 1 and stack[0].obj is value else []


def written(root: str, steps: Sequence[Step]) -> str:
    """A path as it would be written in Python: `Pool.workers[0]._lock`."""
    return root + "".join(step for step, _ in steps)


def described(value: Any) -> str:
    """What a leaf is, without asking its repr: the name of a definition, or "a threading.Lock"."""
    if isinstance(value, _NAMED):
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
        return str(name)
    kind = type(value)
    return "a %s" % (kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__name__))


def holder(root: Any, steps: Sequence[Step]) -> Tuple[Any, str]:
    """The last object on the way that holds the rest by an attribute, and that attribute; "" where none does."""
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number][0]
        if step.startswith(".") and step != ".__class__":
            return (steps[number - 1][1] if number else root), step[1:]
    return root, ""


# --- following the pickler ------------------------------------------------------------------------------------------

_Pickler: Any = pickle._Pickler
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType)
_DEEP = 100  # a RecursionError above this depth is the value's nesting, below it some hook's own


class _Enough(BaseException):
    """The limit of leaves or of time is reached."""


class _Frame:
    """A value that is being pickled, and what it was reduced to, where it was."""

    __slots__ = ("obj", "reduced")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.reduced: Tuple[Any, ...] = ()


class _Sink:
    def write(self, data: Any) -> int:
        return len(data)


def _dispatch() -> Dict[Any, Any]:
    table = {kind: one for kind, one in _Pickler.dispatch.items() if getattr(one, "__module__", "") == "pickle"}
    named = {types.FunctionType: "save_global", type: "save_type", dict: "save_dict", tuple: "save_tuple"}
    return {**{kind: getattr(_Pickler, name) for kind, name in named.items()}, **table}


class _Tracer(_Pickler):  # type: ignore[misc]
    """Pickles into nothing, and goes on where a part fails."""

    dispatch = _dispatch()

    def __init__(self, like: Any, most: int, deadline: float) -> None:
        _Pickler.__init__(self, _Sink(), pickle.HIGHEST_PROTOCOL)
        self.found: List[Leaf] = []
        self.stack: List[_Frame] = []
        self.most, self.deadline, self.saves, self.deep = most, deadline, 0, False
        for name in ("reducer_override", "persistent_id", "dispatch_table"):
            theirs = getattr(like, name, None)
            if theirs is not None:
                setattr(self, name, theirs)

    def save(self, obj: Any, *persistent: Any, **named: Any) -> None:
        self.saves += 1
        if not self.saves % 256 and time.monotonic() > self.deadline:
            raise _Enough
        self.stack.append(_Frame(obj))
        try:
            _Pickler.save(self, obj, *persistent, **named)
        except Exception as error:
            if isinstance(error, RecursionError) and (self.deep or len(self.stack) > _DEEP):
                self.deep = True
                raise
            self._failed(obj, error)
        finally:
            self.stack.pop()

    def save_reduce(self, func: Any, args: Any, *rest: Any, **named: Any) -> None:
        self.stack[-1].reduced = (func, args, *rest)
        _Pickler.save_reduce(self, func, args, *rest, **named)

    def _failed(self, obj: Any, error: BaseException) -> None:
        if all(leaf.value is not obj for leaf in self.found):
            self.found.append(Leaf(list(_steps(self.stack)), obj, error))
        if len(self.found) >= self.most:
            raise _Enough


def _steps(stack: Sequence[_Frame]) -> Iterator[Step]:
    """What leads from the first value on the stack to the last. Parts of a reduction are no steps."""
    owner, above, inside = stack[0], stack[0], None
    for frame in stack[1:]:
        if _is_part(owner, frame.obj) if inside is None else _is_slots(owner, inside, frame):
            inside = frame
        else:
            step = _step(owner, above, inside, frame.obj)
            if step:
                yield step, frame.obj
            owner, above, inside = frame, owner, None


def _is_part(owner: _Frame, child: Any) -> bool:
    """Whether it is the arguments or the state that the owner was reduced to."""
    if not owner.reduced or not isinstance(child, (tuple, dict, list)):
        return False
    arguments = owner.reduced[1]
    if child is arguments or child is _state(owner):
        return True
    # `copyreg.__newobj__` writes the class first, and then a tuple made of the others.
    rest = isinstance(child, tuple) and len(child) == len(arguments) - 1
    return rest and all(one is arguments[number + 1] for number, one in enumerate(child))


def _is_slots(owner: _Frame, inside: _Frame, child: _Frame) -> bool:
    pair = isinstance(inside.obj, tuple) and len(inside.obj) == 2 and inside.obj is _state(owner)
    return pair and isinstance(child.obj, dict)


def _state(owner: _Frame) -> Any:
    return owner.reduced[2] if len(owner.reduced) > 2 else None


_PARTS = {
    functools.partial: ("func", "args", "keywords"),
    types.MethodType: ("__self__", "__func__"),
    types.BuiltinMethodType: ("__self__",),
    collections.defaultdict: ("default_factory",),
}


def _step(owner: _Frame, above: _Frame, inside: Optional[_Frame], child: Any) -> str:
    """How Python would write the step from an object to what it holds; "" where the step is none to a reader."""
    value = owner.obj
    if isinstance(value, types.CellType):
        return ""
    names = next((_PARTS[kind] for kind in type(value).__mro__ if kind in _PARTS), ())
    known = next((name for name in names if getattr(value, name, None) is child), None)
    if known:
        return "." + known
    if not owner.reduced:
        return _item(value, above.obj, child)
    if child is type(value):
        return ".__class__"
    held: Any = inside.obj if inside is not None else ()
    if isinstance(value, BaseException) and held is value.args:
        return ".args" + _item(held, None, child)
    if isinstance(held, dict):
        return next((".%s" % name for name, one in held.items() if one is child), "(%s)" % _short(child))
    attribute = _attribute(value, child)
    if attribute:
        return "." + attribute
    return "(%s)" % _short(child) if inside is not None or child is owner.reduced[0] else _item(value, None, child)


def _attribute(value: Any, child: Any) -> str:
    """The attribute of the instance itself that is this object, where one is."""
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        held = {}
    for name, one in list(held.items()):
        if one is child:
            return str(name)
    for kind in type(value).__mro__:
        for name, member in list(vars(kind).items()):
            if isinstance(member, types.MemberDescriptorType):
                try:
                    if member.__get__(value, kind) is child:
                        return name
                except AttributeError:
                    pass
    return ""


def _item(value: Any, keeper: Any, child: Any) -> str:
    if isinstance(value, dict):
        for key, one in list(dict.items(value)):
            if one is child:
                return "[%s]" % _short(key)
        return "(key %s)" % _short(child)
    if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        number = next((number for number, one in enumerate(list(value)) if one is child), None)
        if isinstance(child, types.CellType) and isinstance(keeper, types.FunctionType) and number is not None:
            return "[%r]" % keeper.__code__.co_freevars[number]
        return "(%s)" % _short(child) if number is None else "[%d]" % number
    return "(%s)" % _short(child)


def _short(value: Any) -> str:
    text = repr(value) if type(value) in (str, int, float, bytes) else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "\u2026"
