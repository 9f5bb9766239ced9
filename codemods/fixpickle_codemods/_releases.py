"""Which release of a library or of Python a project runs on: what it declares, and what its interpreter has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixpickle.project import Project
from fixpickle.survey.facts import Facts
from fixpickle.survey.moved import Release, release

_DECLARING = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.yml", "environment.yaml")
LESS_FROM = (3, 14)
# As far as a requirement bounds the release from above: `==2.3.0`, `<2.7`, `~=2.3.1`, poetry's `^1.13` and `~2.3`.
_BOUND = re.compile(r"(===?|<=?|~=?|\^)\s*v?(\d+(?:\.\d+)*)(\.\*)?")
# `requires-python` of PEP 621, `python_requires` of setuptools, and poetry's own table.
_PYTHON = re.compile(
    r"""^\s*requires-python\s*=\s*["'](?P<project>[^"'\n]*)"""
    r"""|\bpython_requires\s*=\s*["']?(?P<setup>[^"'\n]*)"""
    r"""|^\[tool\.poetry\.dependencies\][^\n]*(?:\n(?!\[)[^\n]*)*?\npython\s*=\s*["'](?P<poetry>[^"'\n]*)""",
    re.MULTILINE,
)


def pinned_below(library: str, wanted: Release, root: Path) -> str:
    """The requirement by which a project keeps to releases of `library` before `wanted`, or an empty string.

    `root` is a folder of the project: its requirement files are looked for there and above, up to the repository's
    root, or where there is none, up to the first folder that has any.
    """
    for path in _requirement_files(root):
        for written, bounds in _requirements(library, path.read_text("utf-8", "replace")):
            if _keeps_below(wanted, bounds):
                return f"{path.name}: {written}"
    return ""


def installed(library: str, python: Path) -> Release:
    """The release of `library` in the environment of that interpreter; empty where none is seen."""
    home = python.parent.parent
    for place in ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages"):
        for found in home.glob(f"{place}/{library}-*.dist-info"):
            return release(found.name.removesuffix(".dist-info").partition("-")[2])
    return ()


def pickles_less(project: Project, facts: Facts) -> bool:
    """Whether the project is for Python 3.14 too, which pickles no iterator of itertools and no summary of a frame.

    The closest file that declares anything says so; where there is none, the interpreter that runs the project.
    Sources: https://docs.python.org/3.14/whatsnew/3.14.html#itertools, and `FrameSummary._code` of its traceback.py.
    """
    for path in _requirement_files(facts.root):
        if found := _PYTHON.search(path.read_text("utf-8", "replace")):
            return not _keeps_below(LESS_FROM, _BOUND.findall(next(filter(None, found.groups()), "")))
    return project.release >= LESS_FROM


def consulted(root: Path) -> Iterator[Path]:
    """The files that both :func:`pinned_below` and :func:`pickles_less` read, and where others would be."""
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


def _keeps_below(wanted: Release, bounds: list[tuple[str, str, str]]) -> bool:
    return any(_excludes("*" if stars else sign, release(number), wanted) for sign, number, stars in bounds)


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
