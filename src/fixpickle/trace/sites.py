"""A record -> the places in the user's files that the run failed on, and what has become of failures in a later run."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.model import Refusal, Traced
from fixpickle.trace.record import Culprit, Failure, Made, Record

_MAIN = ("__main__", "__mp_main__")


def sites(record: Record, base: Path) -> tuple[tuple[Traced, ...], tuple[Refusal, ...]]:
    """Every place that is still as it was when it failed, and the files that are not. Words show paths from `base`."""
    found: dict[Traced, None] = {}
    changed = [path for path, digest in record.files.items() if _digest(Path(path)) != digest]
    for failure in record.failures:
        for culprit in failure.culprits:
            for one in _of(record, failure, culprit, base):
                if str(one.path) not in changed:
                    found[one] = None
    reason = "changed since it was traced; run `fixpickle trace` again"
    return tuple(found), tuple(Refusal(Path(path), reason) for path in changed)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _of(record: Record, failure: Failure, culprit: Culprit, base: Path) -> Iterator[Traced]:
    words = _words(failure, base)
    for one in places(culprit, words):
        yield replace(one, carrier=_carrier(culprit.what)) if failure.kind == "load" else one
    module, _, name = culprit.what.partition(".")
    if module in _MAIN and record.main and culprit.made is None:
        name = name.partition(".")[0]
        line = _defined(Path(record.main), name)
        if line:
            yield Traced(Path(record.main), line, line, name, words, main=True)


def places(culprit: Culprit, words: str) -> Iterator[Traced]:
    """Where a culprit was made and bound, as places that a finding can be about."""
    for made in filter(None, (culprit.made, culprit.bound)):
        path = Path(made.path)
        first, last = (made.line, made.line) if made.by == "definition" else _statement(path, made.line)
        bound = culprit.bound is not None and made is culprit.made
        yield Traced(path, first, last, _name(culprit, made), words, bound=bound)


def _carrier(name: str) -> str:
    """`package.module.Class` as findings write it: `package.module:Class`."""
    module, _, cls = name.rpartition(".")
    return f"{module}:{cls}"


def _name(culprit: Culprit, made: Made) -> str:
    """The own name of a function or class; nothing for an instance, or for what another statement binds."""
    if " " in culprit.what or made is culprit.bound:
        return ""
    return culprit.what.rpartition(".")[2]


def _words(failure: Failure, base: Path) -> str:
    site = failure.site
    verb = {"dump": "pickling", "load": "loading", "copy": "copying"}[failure.kind]
    if site is None:
        return f"{verb} it failed in a run, by {failure.pickler} in a worker"
    path = Path(site.path)
    shown = path.relative_to(base) if path.is_relative_to(base) else path
    return f"{verb} it failed in a run, by {site.through or failure.pickler} at {shown.as_posix()}:{site.line}"


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _statement(path: Path, line: int) -> tuple[int, int]:
    """The first and the last line of the statement that a line stands in."""
    for node in ast.walk(_tree(path) or ast.Module([], [])):
        if isinstance(node, ast.stmt) and isinstance(node, _SIMPLE):
            last = node.end_lineno or node.lineno
            if node.lineno <= line <= last:
                return node.lineno, last
    return line, line


_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return)


def _defined(path: Path, name: str) -> int:
    """The line of the top-level definition of that name, the main guard's included; 0 where there is none."""
    for node in ast.walk(_tree(path) or ast.Module([], [])):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return node.lineno
    return 0


# --- a later run ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a later run says of the failures of an earlier one. Each is told by its path and what it is."""

    gone: tuple[Culprit, ...]
    stay: tuple[Culprit, ...]
    new: tuple[Culprit, ...]


def compared(before: Record, after: Record) -> Outcome:
    """Which failures are gone, which stay, and which are new. Lines do not count: fixes move them."""
    was, now = _culprits(before.failures), _culprits(after.failures)
    return Outcome(
        gone=tuple(one for key, one in was.items() if key not in now),
        stay=tuple(one for key, one in now.items() if key in was),
        new=tuple(one for key, one in now.items() if key not in was),
    )


def _culprits(failures: Sequence[Failure]) -> dict[tuple[str, ...], Culprit]:
    return {(f.kind, c.path, c.what, f.site.path if f.site else ""): c for f in failures for c in f.culprits}
