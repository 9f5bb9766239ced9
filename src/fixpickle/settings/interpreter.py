"""Which interpreter imports the user's code."""

from __future__ import annotations

import os
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


def _in_environment(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
