"""Arguments to make an exception with: plain values, chosen by what the parameters are annotated with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fixpickle.survey.initialisers import Initialiser, Parameter, Place

_TEXT, _NUMBER = "'text'", "7"
_BY_TYPE = {
    **dict(zip(("str", "int", "float", "bool", "bytes"), (_TEXT, _NUMBER, "1.5", "True", "b'text'"), strict=True)),
    **dict.fromkeys(("list", "List", "Sequence", "Iterable", "Collection"), "['text']"),
    **dict.fromkeys(("tuple", "Tuple"), "('text', 'more')"),
    **dict.fromkeys(("set", "Set", "frozenset", "FrozenSet"), "{'text'}"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "{'key': 'text'}"),
    **dict.fromkeys(("Exception", "BaseException", "ValueError"), "ValueError('text')"),
    **dict.fromkeys(("type", "Type"), "int"),
}
_WORD = re.compile(r"\w+")


def samples(init: Initialiser, by_name: Sequence[str]) -> Iterator[str]:
    """Argument lists for a constructor, the likeliest first. Parameters in `by_name` are passed by their names."""
    positional = [p for p in init.parameters if p.place is Place.POSITIONAL]
    named = [p for p in init.parameters if p.place is Place.KEYWORD]
    rest = [repr(p.name) for p in init.parameters if p.place is Place.REST]
    keys = [f"{key}={_TEXT}" for key in init.keys]
    needed = [p for p in positional if p.required]
    some = [p for p in named if p.required]
    seen = set[str]()
    for chosen, also, fallback in (
        (positional, named, _TEXT),
        (needed, some, _TEXT),
        (positional, named, _NUMBER),
        (needed, some, _NUMBER),
    ):
        first = next((i for i, p in enumerate(chosen) if p.name in by_name), len(chosen))
        values = [_sample(p, fallback) for p in chosen[:first]]
        values += rest if chosen is positional and first == len(chosen) else []
        values += [f"{p.name}={_sample(p, fallback)}" for p in (*chosen[first:], *also)]
        code = ", ".join([*values, *keys])
        if code not in seen:
            seen.add(code)
            yield code


def _sample(parameter: Parameter, fallback: str) -> str:
    """A value for a parameter, of the first type in its annotation that is known here; its own name for a text."""
    words = _WORD.findall(parameter.annotation)
    value = next((_BY_TYPE[w] for w in words if w in _BY_TYPE), fallback)
    return repr(parameter.name) if value == _TEXT else value
