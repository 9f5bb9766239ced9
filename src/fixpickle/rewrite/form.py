"""The form that black is to give what a fix writes: as the project says, and where it says nothing, as its file is."""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

if TYPE_CHECKING:
    import black

Options = tuple[tuple[str, object], ...]
"""What a project asks of black, by the names that its configuration has for it: numbers, texts and tuples of texts."""

_STRINGS = frozenset({tokenize.STRING, getattr(tokenize, "FSTRING_START", tokenize.STRING)})
_QUOTES = "skip_string_normalization"
_DOUBLE = re.compile(r'"[^"\'\\\n]*"')


def form(options: Options, text: str) -> black.Mode:
    """black's options for a file that holds `text`: quotes that nobody chose stay single in a file of single ones."""
    from black.mode import Mode, Preview, TargetVersion

    config = dict(options)
    single = _QUOTES not in config and not config.get("black") and _is_single(text)
    try:
        return Mode(
            target_versions={TargetVersion[str(name).upper()] for name in _several(config.get("target_version"))},
            line_length=int(str(config.get("line_length", 88))),
            string_normalization=not config.get(_QUOTES, single),
            magic_trailing_comma=not config.get("skip_magic_trailing_comma", False),
            preview=bool(config.get("preview", False)),
            unstable=bool(config.get("unstable", False)),
            enabled_features={Preview[str(name)] for name in _several(config.get("enable_unstable_feature"))},
        )
    except (KeyError, ValueError):  # options black itself would refuse
        return Mode()


@lru_cache
def options_of(folder: Path) -> Options:
    """The options of the closest `[tool.black]`, up to the top of the repository; what is not said, black decides.

    Without one, the length of lines and the quotes are those that ruff is told there.
    """
    return tuple((name, _plainly(value)) for name, value in sorted(_said(folder).items()))


def _said(folder: Path) -> Mapping[str, object]:
    """What is said in black's words, with `black` where black itself was told."""
    from black.files import parse_pyproject_toml

    config: dict[str, object] = {}
    for above in (folder, *folder.parents):
        try:
            found = parse_pyproject_toml(str(above / "pyproject.toml"))
        except (OSError, ValueError):
            found = {}
        # black infers the target from `requires-python`; alone it does not make a file black's configuration.
        config = config or found
        if found.keys() - {"target_version"}:
            return {**found, "black": True}
        if ruff := _of_ruff(above):
            return {**config, **ruff}
        if (above / ".git").exists():
            break
    return config


def _of_ruff(folder: Path) -> Mapping[str, object]:
    """What ruff is told in a folder, in black's words."""
    for name, tables in ((".ruff.toml", ()), ("ruff.toml", ()), ("pyproject.toml", ("tool", "ruff"))):
        try:
            said: object = tomllib.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        for table in tables:
            said = said.get(table) if isinstance(said, dict) else None
        if isinstance(said, dict):
            style = said.get("format")
            quotes = style.get("quote-style") if isinstance(style, dict) else None
            length = {"line_length": said["line-length"]} if isinstance(said.get("line-length"), int) else {}
            return {**length, **({_QUOTES: quotes != "double"} if quotes else {})}
    return {}


@lru_cache(maxsize=16)
def _is_single(text: str) -> bool:
    """Whether most strings of the text that are no docstrings stand in single quotes."""
    single = double = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in _STRINGS:
                quoted = token.string.lstrip("rRbBuUfFtT")
                if not quoted.startswith(("'''", '"""')):
                    single, double = single + quoted.startswith("'"), double + quoted.startswith('"')
    except (tokenize.TokenError, SyntaxError):
        return False
    return single > double


def quoted(text: str, before: str, mode: black.Mode) -> str:
    """`text` with the strings that `before` does not have in single quotes, where most of `before` are and stay so."""
    if mode.string_normalization or not _is_single(before):
        return text
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        own = token.type == tokenize.STRING and _DOUBLE.fullmatch(token.string) and token.string not in before
        if own:
            (row, start), (_, end) = token.start, token.end
            line = lines[row - 1]
            lines[row - 1] = f"{line[:start]}'{line[start + 1 : end - 1]}'{line[end:]}"
    return "".join(lines)


def _plainly(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(str, value))
    return value if isinstance(value, (int, str)) else str(value)


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
