"""A check of what was checked before. Imports no rule, and nothing that parses or rewrites."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import replace

from fixpickle.cache import trees
from fixpickle.cache.folder import Folder, place
from fixpickle.cache.version import version
from fixpickle.cli.request import Request
from fixpickle.cli.saying import exit_code, say, texts_of
from fixpickle.cli.settling import narrowed, refuse
from fixpickle.discover import discover
from fixpickle.model import Format, Settings
from fixpickle.settings import load


def recalled(request: Request) -> int | None:
    """Says what the last check said, and gives its exit code; None where files, settings or rules are others now."""
    settings = load(request.paths, request.options, RuleNames())
    settings = narrowed(settings) if isinstance(settings, Settings) and settings.cache else settings
    folder = opened(settings) if isinstance(settings, Settings) else None
    if folder is None or not isinstance(settings, Settings):
        return None  # and what is wrong is said by the check that follows
    force, git = settings.force_exclude, settings.respect_gitignore
    files, refused = discover(request.paths, settings.exclude, settings.root, force=force, git=git)
    report = None if refused else trees.recall(folder, request.paths, settings, files)
    if report is None:
        return None
    report = replace(report, left=() if settings.fix_only else report.left)
    unsaid = say(request, settings, report, texts_of(report) if Format.HTML in settings.formats else {})
    return refuse(unsaid) if unsaid is not None else exit_code(settings, report)


def opened(settings: Settings) -> Folder | None:
    """The cache of a run, where it has one."""
    folder = Folder(place(settings.cache_dir), version()).opened() if settings.cache else None
    if folder is not None:
        folder.prune(time.time())
    return folder


class RuleNames(Collection[str]):
    """The names of all rules, which are imported only where somebody asks for one."""

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        from fixpickle.registry import load_rules

        return [rule.name for rule in load_rules()]
