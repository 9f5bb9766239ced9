"""Paths -> sources and facts: the files are read and surveyed side by side."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from fixpickle.cache.folded import Pack, Packs, unfold
from fixpickle.cache.folder import Folder
from fixpickle.cache.surveyed import Surveyed, keep, kept
from fixpickle.cache.trees import Notes, Seen, Stamp
from fixpickle.discover import discover
from fixpickle.model import Refusal, Settings, Source, Strategy
from fixpickle.project import Project
from fixpickle.shelf import Shelf, bare
from fixpickle.source import MAX_BYTES, decode, modules, origin, read
from fixpickle.standing import Standing, is_runtime
from fixpickle.survey import Facts, survey
from fixpickle.survey.catalogue import configured
from fixpickle.workers import Executor, Pool, Remote

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
    executor: Executor | None = None,
) -> tuple[Standing, list[Refusal]]:
    """Every file below the paths, read and surveyed, and what could not be. `held` are bytes in place of files.

    Where there are `notes`, what was surveyed before is taken from their folder, and what is read is noted. Without
    an `executor`, the files are surveyed in processes of this machine.
    """
    files, refused = listed([path for path in paths if path.absolute() not in held], settings)
    explicit = {p.absolute() for p in paths}
    skipped = list(refused)
    if notes is not None:
        notes.whole = not refused
    memory: dict[Path, Source] = {}
    disk: dict[Path, Source] = {}
    facts: dict[Path, Facts] = {}
    roots: dict[Path, Path] = {}
    folder, packs = notes.folder if notes is not None else None, Packs()
    asked = [_Asked(path, path in explicit, held.get(path), folder) for path in (*files, *held)]
    # Closed whatever happens: an interrupt in between would leave the workers to go on.
    with contextlib.closing(_surveyed(asked, executor or Pool(settings.jobs))) as every:
        for number, (one, (source, found, seen)) in enumerate(zip(asked, every, strict=True), 1):
            progress("reading", number, len(asked))
            if notes is not None and seen is not None:
                notes.files.append(replace(seen, path=one.path))
            skipped += (refusal for refusal in (source, found) if isinstance(refusal, Refusal))
            if isinstance(source, Source) and isinstance(found, Pack):
                # What came from another process is a copy for each file.
                source = replace(source, path=one.path, root=roots.setdefault(source.root, source.root))
                (memory if source.path in held else disk)[source.path] = source
                if not is_runtime(source.path):
                    facts[source.path] = unfold(found, source, packs)
                    skipped += _misnamed(facts[source.path])
    known = configured(settings.boundaries, settings.quiet)
    project = Project(facts.values(), known, settings.strategy, settings.traced, release=settings.release)
    shelf = Shelf(memory, disk)
    return Standing(shelf, shelf, facts, project, frozenset(held)), skipped


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


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read, the stamp it had before, and what is known of it already."""

    source: Source | Refusal
    stamp: Stamp | None
    known: Surveyed | None

    @property
    def unknown(self) -> Source | None:
        """The source where it is still to be surveyed."""
        return self.source if isinstance(self.source, Source) and self.known is None else None


_Found = tuple[Source | Refusal, Pack | Refusal | None, Seen | None]


def _surveyed(asked: Sequence[_Asked], executor: Executor) -> Generator[_Found, None, None]:
    """Each file, read and surveyed. Workers that have no such files are sent the sources of those they have to survey,
    a few ahead of what is done."""
    if not isinstance(executor, Remote):
        yield from executor.each(_survey_file, asked)
        return
    here, there = itertools.tee(map(_read_file, asked))
    unknown = (one.unknown for one in there if one.unknown is not None)
    found = executor.each(survey, unknown)
    for one, read_ in zip(asked, here, strict=True):
        yield _found(one, read_, next(found) if read_.unknown is not None else None)


def _survey_file(asked: _Asked) -> _Found:
    one = _read_file(asked)
    return _found(asked, one, survey(one.unknown) if one.unknown is not None else None)


def _read_file(asked: _Asked) -> _Read:
    stamp = Stamp.of(asked.path)  # before it is read: what is changed meanwhile has another one afterwards
    path, explicit = asked.path, asked.explicit
    source = read(path, explicit) if asked.held is None else decode(asked.held, path, explicit)
    return _Read(source, stamp, kept(source, asked.folder) if isinstance(source, Source) else None)


def _found(asked: _Asked, one: _Read, new: Facts | Refusal | None) -> _Found:
    """What became of a file; `new` is what the survey said of it, where it was surveyed now."""
    source = one.source
    result = keep(source, new, asked.folder) if isinstance(source, Source) and new is not None else one.known
    seen = _seen(asked.path, one.stamp, source, result) if asked.folder is not None else None
    shown = bare(source) if isinstance(source, Source) and asked.held is None else source
    return shown, result.said if result is not None else None, seen


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
