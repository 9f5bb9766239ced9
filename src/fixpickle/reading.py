"""Paths -> sources and facts: the files are read and surveyed side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from fixpickle.discover import discover
from fixpickle.model import Refusal, Settings, Source, Strategy
from fixpickle.project import Project
from fixpickle.source import read
from fixpickle.standing import Standing, is_runtime
from fixpickle.survey import Facts, survey
from fixpickle.survey.catalogue import configured
from fixpickle.workers import each


def read_all(
    paths: Sequence[Path], settings: Settings, progress: Callable[[str, int, int], None]
) -> tuple[Standing, list[Refusal]]:
    """Every file below the paths, read and surveyed, and what could not be."""
    files, refused = discover(paths, settings.exclude, settings.root, force=settings.force_exclude)
    explicit = {p.absolute() for p in paths}
    skipped = list(refused)
    sources: dict[Path, Source] = {}
    facts: dict[Path, Facts] = {}
    asked = [(path, path in explicit) for path in files]
    for number, (source, found) in enumerate(each(_survey_file, asked), 1):
        progress("reading", number, len(files))
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
    return Standing(sources, sources, facts, project), skipped


def _misnamed(facts: Facts) -> Iterator[Refusal]:
    """The comments that choose a strategy which does not exist."""
    known = [strategy.value for strategy in Strategy]
    for line, name in facts.strategies:
        if name not in known:
            close = get_close_matches(name.lower().replace("_", "-"), known, n=1)
            meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
            yield Refusal(facts.path, f"no strategy is named `{name}`; {meant}", line)


def _survey_file(asked: tuple[Path, bool]) -> tuple[Source | Refusal, Facts | Refusal | None]:
    source = read(*asked)
    return source, survey(source) if isinstance(source, Source) else None
