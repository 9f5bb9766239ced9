"""Paths as given -> the Python files below them, sorted, as git and the person who asked would have them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from fixpickle.model import Refusal

# Source: Ruff's documented default of `exclude`.
_TOOLS = ".bzr .direnv .eggs .git .git-rewrite .hg .ipynb_checkpoints .mypy_cache .nox .pants.d .pyenv .pytest_cache"
_TREES = ".pytype .ruff_cache .svn .tox .venv .vscode __pypackages__ _build buck-out build dist node_modules"
DEFAULT_EXCLUDES = frozenset(f"{_TOOLS} {_TREES} site-packages venv .fixpickle".split())
"""Folder names that are never entered."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """The ignore patterns of one place; they speak about paths relative to `base`."""

    base: Path
    spec: GitIgnoreSpec

    def verdict(self, path: str, is_dir: bool) -> bool | None:
        """True: ignored. False: a `!` pattern brings it back. None: nothing said."""
        prefix = str(self.base).rstrip(os.sep) + os.sep
        # relpath asks for the current folder each time, which would be most of the cost of a walk.
        relative = path[len(prefix) :] if path.startswith(prefix) else os.path.relpath(path, self.base)
        relative = relative.replace(os.sep, "/") + ("/" if is_dir else "")
        for pattern in reversed(self.spec.patterns):
            hit = pattern.match_file(relative) if pattern.include is not None else None
            if hit is not None and _names_itself(hit.match, relative):
                return pattern.include
        return None


def _names_itself(match: re.Match[str], path: str) -> bool:
    """Whether a pattern matched `path` itself and not a folder around it.

    A walk asks about every folder on the way, so a pattern that matched one of them has had its say. git asks likewise;
    pathspec lets `!*/` bring back every file in a folder, and marks such matches with the group `ps_d`.
    """
    if match.groupdict().get("ps_d") is None:
        return True
    return any(again.end("ps_d") == len(path) for again in match.re.finditer(path))


def matching(patterns: Iterable[str], root: Path, path: Path) -> str | None:
    """The first pattern, written as in a `.gitignore` in `root`, that names the file.

    One with `!` names every file that it does not name without.
    """
    for pattern in patterns:
        rules = _Rules(_absolute(root), _spec([pattern.removeprefix("!")]))
        parts = [path, *(folder for folder in path.parents if rules.base in folder.parents)]
        named = any(rules.verdict(str(part), part != path) for part in parts)
        if named is not pattern.startswith("!"):
            return pattern
    return None


def discover(
    paths: Sequence[Path], exclude: Sequence[str], root: Path, *, force: bool = False, git: bool = True
) -> tuple[tuple[Path, ...], tuple[Refusal, ...]]:
    """The Python files and notebooks at and below `paths`, absolute and sorted; a refusal for what cannot be entered.

    A file named outright is always taken. Folders are walked without following links to folders, without what
    `.gitignore` files and `.git/info/exclude` name, without :data:`DEFAULT_EXCLUDES`, without virtual environments,
    and without what the patterns of `exclude` name (written as in a `.gitignore` in `root`). None of these speak
    about a given path itself, only about what lies below it; with `force` they do. Without `git`, its ignore files
    are not asked.
    """
    found: set[Path] = set()
    refused: list[Refusal] = []
    unwanted = _Rules(_absolute(root), _spec(exclude))
    given = [_absolute(path) for path in paths]
    if force:
        given = [path for path in given if not _left_out(path, unwanted, git)]
    for path in given:
        if path.is_dir():
            above = _inherited(path) if git else None
            found.update(map(Path, _walk(str(path), above, unwanted, refused)))
        elif not os.path.lexists(path):
            refused.append(Refusal(path, "no such file or directory"))
        elif path.suffix != ".pyi":
            found.add(path)
    return tuple(sorted(_without_twins(found, given))), tuple(refused)


def _absolute(path: Path) -> Path:
    """Without `..`, but links as they were given: a path is reported as the person wrote it."""
    return Path(os.path.normpath(path.absolute()))


def _walk(top: str, rules: tuple[_Rules, ...] | None, unwanted: _Rules, refused: list[Refusal]) -> Iterator[str]:
    """The files below `top`. `rules` are what git says about it; None where git is not asked."""
    todo = [(top, rules or ())]
    while todo:
        folder, above = todo.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            refused.append(Refusal(Path(folder), f"cannot be listed: {error.strerror}"))
            continue
        names = {entry.name for entry in entries}
        # An environment under any other name than venv: its packages are not the project's to change.
        if "pyvenv.cfg" in names and folder != top:
            continue
        here = (*_own(folder, names), *above) if rules is not None else ()
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in DEFAULT_EXCLUDES and not _ignored(entry.path, True, here, unwanted):
                    todo.append((entry.path, here))
            elif (
                entry.name.endswith((".py", ".ipynb"))
                and entry.is_file()
                and not _ignored(entry.path, False, here, unwanted)
            ):
                yield entry.path


def _left_out(path: Path, unwanted: _Rules, git: bool) -> bool:
    """Whether a walk from the root would not come to `path`."""
    root = unwanted.base
    between = [path, *path.parents][: len(path.parts) - len(root.parts)] if path.is_relative_to(root) else [path]
    here = (*_rules(root, root / ".gitignore"), *_inherited(root)) if git else ()
    for place in reversed(between):
        is_dir = place != path or path.is_dir()
        if (is_dir and place.name in DEFAULT_EXCLUDES) or _ignored(str(place), is_dir, here, unwanted):
            return True
        here = (*_rules(place, place / ".gitignore"), *here) if git else ()
    return False


def _ignored(path: str, is_dir: bool, rules: tuple[_Rules, ...], unwanted: _Rules) -> bool:
    """Whether `exclude` names `path`, or else what the innermost place that mentions it says."""
    if unwanted.verdict(path, is_dir):
        return True
    verdicts = (place.verdict(path, is_dir) for place in rules)
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _own(folder: str, names: set[str]) -> tuple[_Rules, ...]:
    return _rules(Path(folder), Path(folder, ".gitignore")) if ".gitignore" in names else ()


def _inherited(top: Path) -> tuple[_Rules, ...]:
    """What the folders above `top` say, innermost first, up to the top of the repository; nothing outside one.

    A given folder that git ignores is one that was asked for all the same: what ignores it no longer speaks.
    """
    found: list[_Rules] = []
    for folder in (top, *top.parents):
        if folder != top:
            found += _rules(folder, folder / ".gitignore")
        if (folder / ".git").exists():
            found += _rules(folder, _git_directory(folder / ".git") / "info" / "exclude")
            return tuple(place for place in found if not _covers(place, top))
    return ()


def _covers(place: _Rules, top: Path) -> bool:
    """Whether `place` ignores `top` or a folder between them."""
    between = [folder for folder in (top, *top.parents) if folder.is_relative_to(place.base) and folder != place.base]
    return any(place.verdict(str(folder), True) for folder in between)


def _git_directory(git: Path) -> Path:
    """The folder that holds `info/exclude`: in a linked worktree `.git` is a file that names another place."""
    if git.is_dir():
        return git
    try:
        own = git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        shared = own / "commondir"
        return own / shared.read_text(encoding="utf-8").strip() if shared.is_file() else own
    except (OSError, UnicodeDecodeError):
        return git


def _rules(base: Path, file: Path) -> tuple[_Rules, ...]:
    """The patterns of one ignore file; one that cannot be read ignores nothing, as with git."""
    try:
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ()
    return (_Rules(base, _spec(lines)),)


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    """The patterns of `lines`. git passes over a line it cannot make sense of, so one must not cost the others."""
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _without_twins(found: set[Path], given: Iterable[Path]) -> set[Path]:
    """Without links to files that are there under their own name: one file must not be rewritten twice."""
    links = {path for path in found.difference(given) if path.is_symlink()}
    own = {path.resolve() for path in found - links}
    once = {path.resolve(): path for path in sorted(links, reverse=True)}
    return (found - links) | {path for target, path in once.items() if target not in own}
