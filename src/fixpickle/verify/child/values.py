"""Obvious values for the arguments of a constructor, from their annotations. None of them opens a file or a network."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import sys
import typing
from typing import Any, Dict, List, Tuple

_SIMPLE: Dict[Any, Any] = {
    int: 1,
    float: 1.0,
    str: "a",
    bool: True,
    bytes: b"a",
    complex: 1j,
    type(None): None,
    None: None,
}
_EMPTY: Dict[Any, Any] = {
    list: list,
    dict: dict,
    set: set,
    frozenset: frozenset,
    tuple: tuple,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
    collections.abc.Set: frozenset,
}


_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class NotObvious(TypeError):
    """There is no value that anybody would give here."""


def arguments(cls: Any) -> Tuple[List[Any], Dict[str, Any]]:
    """What a class can be called with: obvious values for the parameters that have no default.

    Raises TypeError, naming the first parameter without one.
    """
    needed = [p for p in inspect.signature(cls).parameters.values() if p.default is p.empty and p.kind not in _ANY]
    hints = _hints(cls) if needed else {}
    positional: List[Any] = []
    keywords: Dict[str, Any] = {}
    for p in needed:
        try:
            value = obvious(hints.get(p.name, p.annotation))
        except NotObvious:
            raise TypeError("%s needs the argument %r" % (cls.__name__, p.name)) from None
        if p.kind is p.KEYWORD_ONLY:
            keywords[p.name] = value
        else:
            positional.append(value)
    return positional, keywords


def _hints(cls: Any) -> Dict[str, Any]:
    """The annotations of the constructor, those written as strings evaluated; none where that fails."""
    for thing in (cls.__init__, cls.__new__, cls):
        try:
            hints = typing.get_type_hints(thing)
        except Exception:
            continue
        if hints:
            return hints
    return {}


def obvious(annotation: Any, depth: int = 0) -> Any:
    """A value of the annotated type. Raises NotObvious."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if depth > 5:
        raise NotObvious
    if _is_key(annotation) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if annotation in _paths():
        return annotation("a")
    if origin is typing.Literal:
        return inner[0]
    if str(origin) == "typing.Annotated" or hasattr(annotation, "__metadata__"):
        return obvious(inner[0], depth + 1)
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        return _first([one for one in inner if one is not type(None)], depth) if inner else None
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return tuple(obvious(one, depth + 1) for one in inner if one != ())
    container = origin or annotation
    if _is_key(container) and container in _EMPTY:
        return _EMPTY[container]()
    if hasattr(annotation, "__supertype__"):
        return obvious(annotation.__supertype__, depth + 1)
    return _made(annotation, depth)


def _paths() -> List[Any]:
    """The classes of paths that an annotation can name: none where nobody has imported them."""
    pathlib: Any = sys.modules.get("pathlib")
    return [pathlib.Path, pathlib.PurePath] if pathlib is not None else []


def _made(annotation: Any, depth: int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum) and list(annotation):
        return next(iter(annotation))
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        hints = _hints(annotation)
        needed = [
            f
            for f in dataclasses.fields(annotation)
            if f.init and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        return annotation(**{f.name: obvious(hints.get(f.name, f.type), depth + 1) for f in needed})
    raise NotObvious


def _first(choices: List[Any], depth: int) -> Any:
    for one in choices:
        try:
            return obvious(one, depth + 1)
        except NotObvious:
            continue
    return None


def _is_key(annotation: Any) -> bool:
    try:
        hash(annotation)
    except TypeError:
        return False
    return True
