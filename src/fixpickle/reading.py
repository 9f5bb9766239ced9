"""Paths -> sources and facts: the files are read and surveyed side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from fixpickle.discover import discover
from fixpickle.model import Refusal, Settings, Source, Strategy
from fixpickle.project import Project
from fixpickle.source import decode, read
from fixpickle.standing import Standing, is_runtime
from fixpickle.survey import Facts, survey
from fixpickle.survey.catalogue import configured
from fixpickle.workers import each

Held = Mapping[Path, bytes]
NOTHING: Held = {}


def read_all(
    paths: Sequence[Path], settings: Settings, progress: Callable[[str, int, int], None], held: Held = NOTHING
) -> tuple[Standing, list[Refusal]]:
    """Every file below the paths, read and surveyed, and what could not be. `held` are bytes in place of files."""
    files, refused = listed([path for path in paths if path.absolute() not in held], settings)
    explicit = {p.absolute() for p in paths}
    skipped = list(refused)
    sources: dict[Path, Source] = {}
    facts: dict[Path, Facts] = {}
    asked = [(path, path in explicit, held.get(path)) for path in (*files, *held)]
    for number, (source, found) in enumerate(each(_survey_file, asked), 1):
        progress("reading", number, len(asked))
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


def _survey_file(asked: tuple[Path, bool, bytes | None]) -> tuple[Source | Refusal, Facts | Refusal | None]:
    path, explicit, data = asked
    source = read(path, explicit) if data is None else decode(data, path, explicit)
    return source, survey(source) if isinstance(source, Source) else None
