"""The files as a run has them: what was read, what is fixed so far, and the texts that a set of patches gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.model import Change, Edit, Ground, Patch, Source
from fixpickle.project import Project
from fixpickle.shelf import Shelf
from fixpickle.sightings import followed
from fixpickle.source import apply_edits
from fixpickle.survey import Facts, survey
from fixpickle.workers import Executor, each_of

Tidy = Callable[[str, str, Path], str]
TidyAll = Callable[[Sequence[tuple[str, str, Path]]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """The files as the run has them: the original sources, the sources as fixed so far, their facts, and the link.

    What was read of the files in `held` is not what is on disk.
    """

    original: Shelf
    sources: Shelf
    facts: Mapping[Path, Facts]
    project: Project
    held: frozenset[Path] = frozenset()

    def changed(self) -> dict[Path, str]:
        """The texts that differ from what was read, new files included."""
        old = self.original
        return {p: s.text for p, s in self.sources.memory.items() if p not in old or old[p].text != s.text}

    def over_disk(self) -> dict[Path, str]:
        """The texts that differ from what is on disk, or may, new files included."""
        return {**{path: self.sources[path].text for path in self.held if path in self.sources}, **self.changed()}


def compose(
    standing: Standing, patches: Sequence[Patch], tidy: Tidy, tidy_all: TidyAll | None = None
) -> dict[Path, str]:
    """The texts that these patches change, with their edits made and the changed statements formatted.

    `tidy_all` formats many at once; without it `tidy` does, one by one. What several patches insert at one place stands
    in the order of what they are about.
    """
    edits: dict[Path, list[Edit]] = {}
    for patch in sorted(patches, key=lambda one: (one.finding.path, one.finding.span.start)):
        for edit in patch.edits:
            edits.setdefault(edit.path, []).append(edit)
    drafts: list[tuple[str, str, Path]] = []
    for path, changes in edits.items():
        source = standing.sources[path]
        drafts.append((source.text, apply_edits(source.text, changes, source.newline), path))
    texts = tidy_all(drafts) if tidy_all is not None else [tidy(*draft) for draft in drafts]
    return {**dict(zip(edits, texts, strict=True)), **{n.path: n.text for p in patches for n in p.new_files}}


def by_project(standing: Standing, paths: Sequence[Path]) -> list[tuple[Project, list[int]]]:
    """The indexes of these files by the project that they see: what shares a name cannot be imported side by side."""
    found: dict[Path | None, tuple[Project, list[int]]] = {}
    for index, path in enumerate(paths):
        project = standing.project.seen_from(standing.facts[path])
        found.setdefault(project.root, (project, []))[1].append(index)
    return list(found.values())


def grounds(standing: Standing, touched: Collection[Path], project: Project) -> Ground:
    """Where the modules of these files live, those that are not on disk yet included; `project` is what these see.

    Last come the folders above packages without `__init__.py`, for who imports modules by the name of such a folder.
    """
    sources = [standing.sources[p] for p in sorted(touched) if p in standing.sources]
    own = [project.root] if project.root is not None else []
    roots = dict.fromkeys(
        [*own, *(s.root for s in sources)] + [p.parent for p in sorted(touched) if p not in standing.sources]
    )
    scripts = {f.module: f.path for f in project.files if f.is_script}
    roots |= dict.fromkeys(sorted(project.above))
    return Ground(tuple(_outermost(roots)), scripts, {s.path: s.text for s in sources if s.notebook})


def _outermost(roots: Iterable[Path]) -> Iterator[Path]:
    """Import roots without the folders that lie inside a package of another one."""
    every = list(roots)
    for root in every:
        if not (root / "__init__.py").exists():
            yield root


def moved(standing: Standing, texts: Mapping[Path, str], executor: Executor | None = None) -> Standing:
    """The standing with these texts in place, surveyed anew."""
    facts, changed = dict(standing.facts), list[Source]()
    for path, text in texts.items():
        source = standing.sources.get(path) or Source(path, "", "utf-8", "\n", False, "", path.stem, path.parent)
        changed.append(replace(source, text=text))
    for source, found in zip(changed, each_of(executor, survey, changed), strict=True):
        if isinstance(found, Facts) and not is_runtime(source.path):
            facts[source.path] = found
    sources = standing.sources.with_(changed)
    looked = {*texts, *(one.path for one in standing.project.traced)} if standing.project.traced else ()
    old, new = ({p: some[p].text for p in looked if p in some} for some in (standing.sources, sources))
    traced = tuple(followed(standing.project.traced, old, new))
    return replace(standing, sources=sources, facts=facts, project=standing.project.over(facts.values(), traced))


def changes_of(standing: Standing, texts: Mapping[Path, str]) -> tuple[Change, ...]:
    """What these texts change in the files as they stand."""
    sources = standing.sources
    return tuple(Change(p, sources[p].text if p in sources else None, text) for p, text in sorted(texts.items()))


def is_runtime(path: Path) -> bool:
    """Whether a file is a copy of our own runtime, in which there is nothing to find."""
    return path.name.startswith("_fixpickle_")
