"""Paths -> sources and facts: the files are read and surveyed side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from fixpickle.cache.folder import Folder
from fixpickle.cache.surveyed import Surveyed, surveyed
from fixpickle.cache.trees import Notes, Seen, Stamp
from fixpickle.discover import discover
from fixpickle.model import Refusal, Settings, Source, Strategy
from fixpickle.project import Project
from fixpickle.source import MAX_BYTES, decode, modules, origin, read
from fixpickle.standing import Standing, is_runtime
from fixpickle.survey import Facts
from fixpickle.survey.catalogue import configured
from fixpickle.workers import each

Held = Mapping[Path, bytes]
NOTHING: Held = {}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One file to read, or its bytes where they are `held`."""

    path: Path
    explicit: bool
    held: bytes | None
    folder: Folder | None


def read_all(
    paths: Sequence[Path],
    settings: Settings,
    progress: Callable[[str, int, int], None],
    held: Held = NOTHING,
    notes: Notes | None = None,
) -> tuple[Standing, list[Refusal]]:
    """Every file below the paths, read and surveyed, and what could not be. `held` are bytes in place of files.

    Where there are `notes`, what was surveyed before is taken from their folder, and what is read is noted.
    """
    files, refused = listed([path for path in paths if path.absolute() not in held], settings)
    explicit = {p.absolute() for p in paths}
    skipped = list(refused)
    if notes is not None:
        notes.whole = not refused
    sources: dict[Path, Source] = {}
    facts: dict[Path, Facts] = {}
    folder = notes.folder if notes is not None else None
    asked = [_Asked(path, path in explicit, held.get(path), folder) for path in (*files, *held)]
    for number, (source, found, seen) in enumerate(each(_survey_file, asked, settings.jobs), 1):
        progress("reading", number, len(asked))
        if notes is not None and seen is not None:
            notes.files.append(seen)
        for refusal in (source, found):
            if isinstance(refusal, Refusal):
                skipped.append(refusal)
        if isinstance(source, Source) and isinstance(found, Facts):
            sources[source.path] = source
            if not is_runtime(source.path):
                facts[source.path] = found
                skipped += _misnamed(found)
    known = configured(settings.boundaries, settings.quiet)
    project = Project(facts.values(), known, settings.strategy, settings.traced)
    return Standing(sources, sources, facts, project, frozenset(held)), skipped


def listed(paths: Sequence[Path], settings: Settings) -> tuple[tuple[Path, ...], tuple[Refusal, ...]]:
    """The files below the paths that a run reads, and why not, of a path that cannot be entered."""
    force, git = settings.force_exclude, settings.respect_gitignore
    return discover(paths, settings.exclude, settings.root, force=force, git=git)


def _misnamed(facts: Facts) -> Iterator[Refusal]:
    """The comments that choose a strategy which does not exist."""
    known = [strategy.value for strategy in Strategy]
    for line, name in facts.strategies:
        if name not in known:
            close = get_close_matches(name.lower().replace("_", "-"), known, n=1)
            meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
            yield Refusal(facts.path, f"no strategy is named `{name}`; {meant}", line)


def _survey_file(asked: _Asked) -> tuple[Source | Refusal, Facts | Refusal | None, Seen | None]:
    path = asked.path
    stamp = Stamp.of(path)  # before it is read: what is changed meanwhile has another one afterwards
    source = read(path, asked.explicit) if asked.held is None else decode(asked.held, path, asked.explicit)
    result = surveyed(source, asked.folder) if isinstance(source, Source) else None
    seen = _seen(path, stamp, source, result) if asked.folder is not None else None
    return source, result.said if result is not None else None, seen


def _seen(path: Path, stamp: Stamp | None, source: Source | Refusal, result: Surveyed | None) -> Seen:
    [(module, root)] = modules([path])
    if isinstance(source, Refusal):
        data = path.read_bytes() if stamp is not None and path.is_file() and stamp.size <= MAX_BYTES else b""
        head, content = data[:4096].decode("utf-8", "surrogateescape"), hashlib.sha256(data).hexdigest() if data else ""
    else:
        head, content = source.text, source.digest
    named = origin(head, path)
    there = named is not None and named.exists()
    return Seen(path, module, root, stamp, content, result.digest if result else "", named, there)
