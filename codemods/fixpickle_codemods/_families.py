"""Exception classes as families: which derive from which, across files, and what keeps one from being restored."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence

from fixpickle.project import Project
from fixpickle.survey.exceptions import INERT
from fixpickle.survey.initialisers import Initialiser

_DEPTH = 8  # constructors that call constructors
# What these keep in fields of their own, outside `__dict__`, only their `__init__` sets.
_WITH_FIELDS: tuple[type, ...] = (OSError, ImportError, AttributeError, SyntaxError, StopIteration, SystemExit)
_WITH_FIELDS += (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)
_GROUP: type = getattr(builtins, "BaseExceptionGroup", type("BaseExceptionGroup", (), {}))
_PLAIN = frozenset(
    f"builtins.{name}"
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and not issubclass(value, (*_WITH_FIELDS, _GROUP))
) | {
    *("queue.Empty", "queue.Full", "http.client.HTTPException", "subprocess.SubprocessError", "unittest.SkipTest"),
    *("pickle.PickleError", "pickle.PicklingError", "pickle.UnpicklingError", "argparse.ArgumentTypeError"),
    *("asyncio.CancelledError", "concurrent.futures.CancelledError", "zipfile.BadZipFile", "struct.error"),
}
FIELDED = frozenset(
    f"builtins.{name}"
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, _WITH_FIELDS)
) | {"socket.error", "socket.timeout", "socket.gaierror", "ssl.SSLError", "urllib.error.URLError"}


# --- what there is --------------------------------------------------------------------------------------------------


def ancestry(project: Project, symbol: str, depth: int = _DEPTH) -> list[str] | None:
    """A class and its ancestors up to the built-in exceptions, in the order of their constructors; None if unknown."""
    if symbol in _PLAIN | FIELDED:
        return [symbol]
    found = project.class_of(symbol)
    if found is None or depth == 0:
        return None
    branches: list[list[str]] = []
    for base in found.bases:
        if project.real(base) in INERT:
            continue
        branch = ancestry(project, project.real(base), depth - 1) if base else None
        if branch is None and not (base and _bare(project, project.real(base))):
            return None
        branches.append(branch or [])
    line = list(dict.fromkeys([symbol, *(s for b in branches for s in b)]))
    made = [{s for s in b if initialiser(project, s)} for b in branches]
    first = next((m for m in made if m), set[str]())
    return line if all(m <= first for m in made) else None


def is_exception(line: Sequence[str] | None) -> bool:
    """Whether an ancestry ends in a built-in exception."""
    return line is not None and any(s in _PLAIN | FIELDED for s in line)


def _bare(project: Project, symbol: str) -> bool:
    """Whether a class is a mixin of the project that has no say in how an instance is made or pickled."""
    found = project.class_of(symbol)
    if found is None or symbol in project.exceptions or found.hooks:
        return symbol in INERT
    return all(b and _bare(project, project.real(b)) for b in found.bases)


def initialiser(project: Project, symbol: str) -> Initialiser | None:
    found = project.exceptions.get(symbol)
    return found[1].initialiser if found else None


def descendants(project: Project, symbol: str) -> Iterator[str]:
    """The classes of the project that derive from one, nearest first."""
    pending, seen = [symbol], {symbol}
    for one in pending:
        fresh = [c for c in project.children.get(one, ()) if c not in seen]
        seen.update(fresh)
        pending += fresh
        yield from fresh


# --- what stands against a remedy -----------------------------------------------------------------------------------


def obstacle(project: Project, symbol: str, line: Sequence[str]) -> str:
    """Why instances of a class, or of one that derives from it, cannot be restored without `__init__`; or nothing."""
    below = list(descendants(project, symbol))
    for one in (*line, *below):
        if one in FIELDED:
            return f"`{_last(one)}` keeps fields of its own that only `__init__` sets"
        found = project.exceptions.get(one)
        if found is not None and found[1].obstacles:
            return f"`{_last(one)}` {found[1].obstacles[0]}"
    for one in below:
        own, cls = project.exceptions.get(one), project.class_of(one)
        if own is not None and own[1].reduction is not None and not own[1].reduction.callee:
            return f"`{_last(one)}`, which derives from it, has a `__reduce__` that may build on this one"
        bases = [project.real(b) for b in cls.bases] if cls is not None else []
        above = [ancestry(project, b) for b in bases if b not in INERT and not _bare(project, b)]
        if any(a is None for a in above):
            return f"`{_last(one)}`, which derives from it, has another base of which nothing is known"
        if any(FIELDED & set(a or ()) for a in above):
            return f"`{_last(one)}`, which derives from it, keeps fields of its own that only `__init__` sets"
    return ""


def _last(symbol: str) -> str:
    return symbol.rpartition(".")[2]
