"""The configuration file: found, parsed, and read into values; mistakes are blamed on their line."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from fixpickle.boundaries import Wrong
from fixpickle.model import Refusal
from fixpickle.settings.declared import KEYS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file's own table, and where to find things in it. Without one, `path` is None."""

    path: Path | None = None
    table: Mapping[str, object] = field(default_factory=dict)
    text: str = ""

    def refusal(self, key: str, reason: str) -> Refusal:
        """Blames the line that sets `key`, where there is one."""
        start = max(self.text.find("[tool.fixpickle"), 0)
        name = rf"[\"']?{re.escape(key)}[\"']?"
        match = re.compile(rf"^\s*(\[(tool\.fixpickle\.)?{name}\]|{name}\s*[=.])", re.MULTILINE).search(
            self.text, start
        )
        line = self.text.count("\n", 0, match.end()) + 1 if match else 0
        return Refusal(self.path or Path("command line"), reason, line)

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
        return Refusal(self.path or Path(), wrong.reason, self.text.count("\n", 0, match.end() if match else start) + 1)


def find(start: Path) -> File | Refusal:
    """The closest configuration upward from a folder; an empty one where there is none."""
    for folder in (start, *start.parents):
        for name in ("fixpickle.toml", "pyproject.toml"):
            path = folder / name
            if not path.is_file():
                continue
            found = _parse(path)
            if found is not None:
                return found
    return File()


def values(file: File) -> dict[str, object] | Refusal:
    """What the file says, by key, as :class:`fixpickle.model.Settings` has it."""
    for key in file.table:
        if key not in KEYS:
            return file.refusal(key, f"unknown key `{key}`{meant(key, KEYS)}")
    found: dict[str, object] = {}
    for key, setting in KEYS.items():
        if key in file.table:
            value = setting.kind.read(file.table[key])
            if isinstance(value, Wrong):
                return file.refusal_in(value)
            if value is None:
                return file.refusal(key, f"`{key}` must be {setting.kind.words}")
            found[key] = value
    return found


def meant(word: str, known: Collection[str]) -> str:
    """`; did you mean that?`, or nothing where no known word is close."""
    close = get_close_matches(word.lower().replace("_", "-"), list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _parse(path: Path) -> File | Refusal | None:
    """The table of one file; None for a `pyproject.toml` that is not about us, broken or not."""
    ours = path.name == "fixpickle.toml"
    try:
        data = path.read_bytes()
        if not ours and b"fixpickle" not in data:
            return None
        text = data.decode("utf-8")
        document: Mapping[str, object] = tomllib.loads(text)
    except OSError as error:
        return Refusal(path, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Refusal(path, f"not valid utf-8: {error.reason}", data.count(b"\n", 0, error.start) + 1)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        at_end = text.count("\n") + 1
        return Refusal(path, f"not valid TOML: {error}", int(line[1]) if line else at_end)
    if ours:
        return File(path, document, text)
    tools = document.get("tool")
    table = tools.get("fixpickle") if isinstance(tools, Mapping) else None
    if table is None:
        return None
    return File(path, table, text) if isinstance(table, Mapping) else Refusal(path, "tool.fixpickle must be a table")
