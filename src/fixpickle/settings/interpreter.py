"""Which interpreter imports the user's code."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from fixpickle.model import Refusal


def asked_for(name: str, base: Path, environ: Mapping[str, str]) -> Path | Refusal:
    """The interpreter of that name, of that path from `base`, or of the environment in that folder."""
    bare = os.sep not in name and "/" not in name
    on_path = shutil.which(name, path=environ.get("PATH")) if bare else None
    path = Path(on_path) if on_path else Path(os.path.normpath(base / Path(name).expanduser()))
    path = _in_environment(path) if path.is_dir() else path
    return path if _executable(path) else Refusal(path, "not a Python that can be run")


def of_environment(root: Path, environ: Mapping[str, str]) -> Path:
    """The interpreter of the active environment, else of the project's or one above it, else our own.

    Links are kept: in a virtual environment the link's own place is what makes it that environment.
    """
    active = environ.get("VIRTUAL_ENV")
    # pre-commit activates the environment that it installed the hook in, which is ours and has nothing of the project.
    if active and environ.get("PRE_COMMIT") and Path(active).resolve() == Path(sys.prefix).resolve():
        active = None
    folders = [Path(active)] if active else []
    folders += [above / name for above in (root, *root.parents) for name in (".venv", "venv")]
    return next((python for python in map(_in_environment, folders) if _executable(python)), Path(sys.executable))


def release_of(python: Path) -> tuple[int, ...]:
    """The release of an interpreter, as (3, 14): ours, or what its environment or its own name says; else empty.

    It is not run for that. Source: the `version` that the standard library's `venv` writes to `pyvenv.cfg`, and the
    `version_info` that virtualenv and uv write there.
    """
    if python == Path(sys.executable):
        return sys.version_info[:2]
    configuration = python.parent.parent / "pyvenv.cfg"
    said = configuration.read_text("utf-8", "replace") if configuration.is_file() else ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", said, re.MULTILINE)
    named = re.fullmatch(r"python(\d+)\.(\d+)\w*", python.resolve().name.removesuffix(".exe"))
    known = found or named
    return (int(known[1]), int(known[2])) if known else ()


def _in_environment(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
