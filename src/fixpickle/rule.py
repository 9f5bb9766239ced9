"""What a rule is: the authoring surface of fixpickle.

A rule finds on facts and fixes on sources. Finding is cheap and runs over the whole project; fixing runs once per
finding that is acted on and may parse. A rule is found by its module: one file, one rule, one name in five places.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from fixpickle.model import Finding, Patch, Refusal, Safety, Settings, Source
from fixpickle.project import Project
from fixpickle.survey.facts import Facts


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a fix may look at: the project, the sources as they stand now, and names that this round has given away.

    These are `taken` by file, and new files by their folder.
    """

    project: Project
    sources: Mapping[Path, Source]
    settings: Settings
    facts: Mapping[Path, Facts]
    taken: defaultdict[Path, set[str]] = field(default_factory=partial(defaultdict, set))

    def seen_from(self, path: Path) -> Workshop:
        """The same workshop, with the project as that file sees it."""
        return replace(self, project=self.project.seen_from(self.facts[path]))


@runtime_checkable
class Rule(Protocol):
    """One pattern that cannot cross a process boundary, and its remedy."""

    name: str
    summary: str
    safety: Safety

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """The findings in one file, fixable or with the reason why not."""
        ...

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The whole change for one finding, against the sources as they stand."""
        ...


@runtime_checkable
class NotebookRule(Protocol):
    """A rule for notebooks: `notebooks` says why. Those without it look at modules alone, see `docs/notebooks.md`."""

    notebooks: str


@runtime_checkable
class Weigher(Protocol):
    """A rule that must know how long packages take to import: `project.import_seconds`, where that was measured."""

    name: str

    def weighs(self, project: Project, facts: Facts) -> Iterator[str]:
        """The packages that it asks about in one file."""
        ...


@runtime_checkable
class Consultant(Protocol):
    """A rule whose findings depend on more than the sources. What it says of unchanged sources is not asked again, so
    it has to name what else it looks at."""

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """The files and folders it looks at for the findings in one file, those included that may not be there."""
        ...


@runtime_checkable
class Reviewer(Protocol):
    """A rule that looks at what the other rules found, suppressed or not."""

    def review(self, facts: Facts, met: Collection[tuple[int, str]], idle: Collection[str]) -> Iterator[Finding]:
        """The findings in one file. `met` are the lines and rules of all others, `idle` the rules that did not look."""
        ...


def page(rule: Rule) -> str:
    """The rule's page: the docstring of the module it stands in, as Markdown."""
    module = inspect.getmodule(type(rule))
    return inspect.cleandoc(module.__doc__ or "") if module is not None else ""
