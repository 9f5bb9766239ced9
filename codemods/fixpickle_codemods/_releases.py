"""Which release of a library a project runs on: what it pins, and what its interpreter has installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixpickle.survey.moved import Release, release

_DECLARING = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.yml", "environment.yaml")
# As far as a requirement bounds the release from above: `==2.3.0`, `<2.7`, `~=2.3.1`, poetry's `^1.13` and `~2.3`.
_BOUND = re.compile(r"(===?|<=?|~=?|\^)\s*v?(\d+(?:\.\d+)*)(\.\*)?")


def pinned_below(library: str, wanted: Release, root: Path) -> str:
    """The requirement by which a project keeps to releases of `library` before `wanted`, or an empty string.

    `root` is a folder of the project: its requirement files are looked for there and above, up to the repository's
    root, or where there is none, up to the first folder that has any.
    """
    for path in _requirement_files(root):
        for written, bounds in _requirements(library, path.read_text("utf-8", "replace")):
            if any(_excludes("*" if stars else sign, release(number), wanted) for sign, number, stars in bounds):
                return f"{path.name}: {written}"
    return ""


def installed(library: str, python: Path) -> Release:
    """The release of `library` in the environment of that interpreter; empty where none is seen."""
    home = python.parent.parent
    for place in ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages"):
        for found in home.glob(f"{place}/{library}-*.dist-info"):
            return release(found.name.removesuffix(".dist-info").partition("-")[2])
    return ()


def consulted(root: Path) -> Iterator[Path]:
    """The files that :func:`pinned_below` reads, and the folders in which others would be."""
    folders, _ = _folders(root)
    yield from folders
    yield from _requirement_files(root)


def _folders(root: Path) -> tuple[tuple[Path, ...], Path | None]:
    """The folder and those above it, up to the repository's where there is one; and that."""
    above = (root, *root.parents)
    repository = next((folder for folder in above if (folder / ".git").exists()), None)
    return above[: above.index(repository) + 1] if repository is not None else above, repository


def _requirement_files(root: Path) -> Iterator[Path]:
    folders, repository = _folders(root)
    for folder in folders:
        names = [folder / name for name in _DECLARING] + sorted(folder.glob("requirements*.txt"))
        found = [path for path in names if path.is_file()]
        yield from found
        # Outside a repository, what lies further up is somebody else's.
        if found and repository is None:
            return


def _requirements(library: str, text: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Each requirement of the library as it is written, and what it says of releases."""
    name = rf"(?<![\w.-])[\"']?{re.escape(library)}[\"']?\s*(?:\[[^\]]*\])?"
    for found in re.finditer(rf"{name}\s*(=\s*[{{\"'][^\n]*|[=<>~!^][^\n;#\"']*)", text):
        said = re.sub(r"^=\s*(?=[{\"'])", "", found[1])
        yield found[0].strip(), _BOUND.findall(said)


def _excludes(sign: str, bound: Release, wanted: Release) -> bool:
    """Whether the bound keeps out every release from `wanted` on."""
    match sign:
        case "<":
            return bound <= wanted
        case "*":
            allowed = bound
        case "~":
            allowed = bound[:2]
        case "~=":
            allowed = bound[:-1]
        case "^":
            allowed = bound[:1]
        case _:
            return bound < wanted
    return allowed < wanted[: len(allowed)]
