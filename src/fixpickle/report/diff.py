"""Changes -> a patch that `git apply` takes as it is."""

from __future__ import annotations

import difflib
import os
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from fixpickle.model import Change, Source
from fixpickle.notebook import written

_NO_SOURCES: Mapping[Path, Source] = MappingProxyType({})
_ESCAPES = {ord("\a"): "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", ord('"'): '"', ord("\\"): "\\"}


def unified(
    changes: Sequence[Change], root: Path, sources: Mapping[Path, Source] = _NO_SOURCES, base: Path | None = None
) -> bytes:
    """One patch for all changes, in the files' own encodings, which is why it is bytes. Empty where nothing changed.

    Paths count from the top of `root`'s git repository, because that is where `git apply` starts. Where there is none
    they count from `base`, the folder the command was given in, if all files are below it, else from `root`. `sources`
    say how a file is encoded; one that has none is UTF-8. Raises UnicodeEncodeError where a file's encoding lacks a
    character of its new text.
    """
    below = base is not None and all(change.path.is_relative_to(base) for change in changes)
    top = _top(root) or (base if base is not None and below else root)
    ordered = sorted(changes, key=lambda change: change.path)
    return b"".join(part for change in ordered for part in _file(change, top, sources.get(change.path)))


def out_of_reach(changes: Sequence[Change], root: Path, here: Path) -> tuple[Path, tuple[Path, ...]]:
    """The top of the repository, and the files that `git apply` leaves out of a patch when it is started in `here`.

    git passes over what lies outside of the folder it is started in. Without a repository it takes every path.
    """
    top = _top(root)
    if top is None or not here.resolve().is_relative_to(top.resolve()):
        return root, ()
    paths = (change.path.resolve() for change in changes)
    return top, tuple(sorted(path for path in paths if not path.is_relative_to(here.resolve())))


def _top(root: Path) -> Path | None:
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)


def _file(change: Change, top: Path, source: Source | None) -> Iterator[bytes]:
    old = b"" if change.old is None else _bytes(change.old, source)
    new = _bytes(change.new, source)
    if change.old is not None and old == new:
        return
    # git refuses a patch that leads through a link.
    path = change.path.resolve() if change.path.is_symlink() else change.path
    name = os.path.relpath(path, top).replace(os.sep, "/")
    before, after = _quoted(f"a/{name}"), _quoted(f"b/{name}")
    yield f"diff --git {before} {after}\n".encode()
    if change.old is None:
        yield b"new file mode 100644\n"
    hunks = difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new))
    for number, line in enumerate(hunks):
        if number == 0:
            yield b"--- /dev/null\n" if change.old is None else f"--- {_ended(before)}\n".encode()
        elif number == 1:
            yield f"+++ {_ended(after)}\n".encode()
        else:
            yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _bytes(text: str, source: Source | None) -> bytes:
    if source is None:
        return text.encode()
    text = written(source.notebook, text) if source.notebook else text
    return (BOM_UTF8 if source.bom else b"") + text.encode(source.encoding)


def _lines(data: bytes) -> list[bytes]:
    """Split where git does: a carriage return or a form feed ends no line."""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _quoted(name: str) -> str:
    """A name as git writes it: in quotes with escapes if it holds anything but plain ASCII (`core.quotePath`)."""
    data = os.fsencode(name)
    if all(32 <= byte < 127 and byte not in _ESCAPES for byte in data):
        return name
    return '"' + "".join(map(_escaped, data)) + '"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _ended(name: str) -> str:
    """git ends a name that holds a blank by a tab, or what follows would be read as a date."""
    return f"{name}\t" if " " in name else name
