"""One place that says settings, mostly a configuration file: found, parsed, and mistakes blamed on their line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fixpickle.boundaries import Wrong
from fixpickle.model import Refusal

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

OWN_NAMES = (".fixpickle.toml", "fixpickle.toml")
_NAMES = (*OWN_NAMES, "pyproject.toml")

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_KEY = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_SETS = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")


@dataclass(frozen=True, slots=True)
class Place:
    """One place that says settings: a file's own table and its text; or the command line, which has no text.

    Paths in it count from the folder `base`.
    """

    path: Path
    base: Path
    table: Mapping[str, object] = field(default_factory=dict)
    text: str = ""

    def line(self, key: str) -> int:
        """The line that sets `key`; 0 where there is none."""
        wanted = (*_prefix(self.path), key)
        named = (number for number, name in _named(self.text) if name[: len(wanted)] == wanted)
        return next(named, 0)

    def refusal(self, key: str, reason: str) -> Refusal:
        """Blames the line that sets `key`, where there is one."""
        return Refusal(self.path, reason, self.line(key))

    def refusal_in(self, wrong: Wrong) -> Refusal:
        """Blames the line of a key in one of the tables of boundaries, or else the head of that table."""
        heads = list(re.finditer(r"^\s*\[\[(tool\.fixpickle\.)?boundaries\]\]", self.text, re.MULTILINE))
        if wrong.table >= len(heads):
            return self.refusal("boundaries", wrong.reason)
        start = heads[wrong.table].end()
        end = heads[wrong.table + 1].start() if wrong.table + 1 < len(heads) else len(self.text)
        name = rf"[\"']?{re.escape(wrong.key)}[\"']?"
        key = re.compile(rf"^\s*(\[[\w.]*\.)?{name}\s*[=.\]]", re.MULTILINE) if wrong.key else None
        match = key.search(self.text, start, end) if key else None
        return Refusal(self.path, wrong.reason, self.text.count("\n", 0, match.end() if match else start) + 1)


def find(start: Path) -> Place | Refusal | None:
    """The closest configuration upward from a folder; None where there is none."""
    for folder in (start, *start.parents):
        for name in _NAMES:
            path = folder / name
            found = parse(path) if path.is_file() else None
            if found is not None:
                return found
    return None


def parse(path: Path) -> Place | Refusal | None:
    """The table of one file; None for a `pyproject.toml` that is not about us, broken or not."""
    ours = path.name != "pyproject.toml"
    try:
        data = path.read_bytes()
        if not ours and b"fixpickle" not in data:
            return None
        text = data.decode("utf-8")
    except OSError as error:
        return Refusal(path, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Refusal(path, f"not valid utf-8: {error.reason}", data.count(b"\n", 0, error.start) + 1)
    document = _document(path, text)
    if ours or isinstance(document, Refusal):
        return document if isinstance(document, Refusal) else Place(path, path.parent, document, text)
    tools = document.get("tool")
    table = tools.get("fixpickle") if isinstance(tools, Mapping) else None
    if table is None:
        return None
    if not isinstance(table, Mapping):
        return Refusal(path, "tool.fixpickle must be a table")
    return Place(path, path.parent, table, text)


def inline(text: str) -> Place | Refusal:
    """What `--config "KEY = VALUE"` says."""
    document = _document(Path("--config"), text)
    if isinstance(document, Refusal):
        return Refusal(document.path, f"`{text}` is neither a file nor KEY = VALUE as TOML has it")
    return Place(Path("--config"), Path.cwd(), document)


def _document(path: Path, text: str) -> Mapping[str, object] | Refusal:
    try:
        document: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        return Refusal(path, f"not valid TOML: {error}", int(line[1]) if line else text.count("\n") + 1)
    return document


def _prefix(path: Path) -> tuple[str, ...]:
    return ("tool", "fixpickle") if path.name == "pyproject.toml" else ()


def _named(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every line that names a table or a key, with the whole name."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, sets = _HEADER.match(line), _SETS.match(line)
        if header is not None:
            table = _parts(header[1])
            yield number, table
        elif sets is not None:
            yield number, table + _parts(sets[1])


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
