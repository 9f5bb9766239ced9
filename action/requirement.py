"""What the GitHub Action asks pip for: `python requirement.py ACTION VERSION VERSION_FILE`. Standard library only."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# `fixpickle>=0.1` as a line of requirements or as a string of TOML, with extras, before a marker, a hash or a comment.
_NAMED = re.compile(r"""(?:^|["'])\s*fixpickle\s*(?:\[[^\]]*\])?\s*([^"';#\n\\]*?)\s*(?:--|["';#\\]|$)""", re.MULTILINE)
_SPECIFIER = re.compile(r"(?:[<>=!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*")


def requirement(action: str, version: str, file: str) -> str:
    """The requirement: of a version, of what a file says, or else the action's own folder. Raises SystemExit."""
    version = version.strip()
    if version and file:
        raise SystemExit("fixpickle: give version or version-file, not both")
    if file:
        version = _from_file(Path(file))
    if not version:
        return action
    specifier = f"=={version}" if version[0].isdigit() else version
    if not _SPECIFIER.fullmatch(specifier):
        raise SystemExit(f"fixpickle: `{version}` is no version and no specifier of one")
    return f"fixpickle{specifier}"


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SystemExit(f"fixpickle: version-file {path}: {error.strerror}") from error
    found = [match[1] for match in _NAMED.finditer(text) if match[1] and _SPECIFIER.fullmatch(match[1])]
    if not found:
        raise SystemExit(f"fixpickle: {path} names no version of fixpickle, such as fixpickle==0.1.0")
    return found[0]


if __name__ == "__main__":
    sys.stdout.write(requirement(*sys.argv[1:]) + "\n")
