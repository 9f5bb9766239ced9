"""One command: the migration, the body of its pull request, what to do next, and the exit code."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cli.migration import Done, Migration, migrate, plan, prepared, whole
from fixpickle.cli.repository import drop_branch
from fixpickle.cli.settling import refuse
from fixpickle.cli.terminal import put
from fixpickle.model import Refusal, RunReport
from fixpickle.report.commits import lead
from fixpickle.report.markdown import document
from fixpickle.report.text import summary
from fixpickle.settings import Options
from fixpickle.store import keep

_BODY = "pull-request.md"


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    paths: tuple[Path, ...]
    options: Options
    branch: str
    body: Path | None
    dry_run: bool
    quiet: bool


def pull_request(order: Order) -> int:
    """Makes the branch and its commits, and writes the body. Gives the exit code."""
    migration = prepared(order.paths, order.options, order.branch, order.quiet)
    if isinstance(migration, Refusal):
        return refuse(migration)
    done = Done()
    try:
        (plan if order.dry_run else migrate)(migration, done)
    except KeyboardInterrupt:
        _stopped(migration, done)
        raise
    if done.stuck is not None:
        code = refuse(done.stuck)
        _stopped(migration, done)
        return code
    report = whole(migration, done)
    view = replace(migration.view, command=migration.command())
    body = document(report, view, lead(done.commits))
    place = _kept(order, migration, body) if done.commits and not order.dry_run else None
    if isinstance(place, Refusal):
        return refuse(place)
    _say(order, migration, done, report, body, place)
    return 0 if report.clean and not (order.dry_run and done.commits) else 1


def _stopped(migration: Migration, done: Done) -> None:
    """Before its end: what is committed stays, a branch without commits does not."""
    if done.commits:
        put(sys.stderr, f"commits made so far: {len(done.commits)}; {_way_back(migration)}")
    elif done.branched:
        drop_branch(migration.repository)


def _kept(order: Order, migration: Migration, body: str) -> Path | Refusal:
    root = migration.settings.root.resolve()
    try:
        if order.body is None:
            return keep(root, _BODY, body)
        order.body.write_text(body, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        place = order.body or root
        return Refusal(place, f"the commits are made, but the body cannot be written: {error.strerror or error}")
    return order.body


def _say(order: Order, migration: Migration, done: Done, report: RunReport, body: str, place: Path | None) -> None:
    if order.dry_run and done.commits:
        told = "".join(f"would be a commit: {commit.title}\n" for commit in done.commits)
        put(sys.stderr, f"{told}in one run of all rules; `fixpickle pr` proves each commit by itself\n")
        put(sys.stdout, body)
    elif place is None:
        put(sys.stdout, f"nothing to commit: {summary(report)}\n")
    elif not order.quiet:
        put(sys.stdout, _next(migration, done, summary(report), _shown(place), len(body)))


def _next(migration: Migration, done: Done, told: str, place: str, size: int) -> str:
    home, branch = migration.repository.home, migration.repository.branch
    commits = "1 commit" if len(done.commits) == 1 else f"{len(done.commits)} commits"
    return f"""\
{told}
{commits} on the new branch {branch}, which is checked out; nothing was pushed
the body of the pull request: {place}, {size} characters

to open it
  git push -u origin {branch}
  gh pr create --base {home} --head {branch} --title "Make it cross process boundaries" --body-file {place}
to keep `git blame` on the authors, once it is merged without squashing
  git log --reverse --format='# %s%n%H' {home}..{branch} >> .git-blame-ignore-revs
  git config blame.ignoreRevsFile .git-blame-ignore-revs
{_way_back(migration)}"""


def _way_back(migration: Migration) -> str:
    return f"""\
to take it all back
  git switch {migration.repository.home}
  git branch -D {migration.repository.branch}
"""


def _shown(path: Path) -> str:
    absolute = path.absolute()
    return os.path.relpath(absolute) if absolute.is_relative_to(Path.cwd()) else str(path)
