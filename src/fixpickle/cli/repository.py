"""A repository in which a branch is to be made: whether it may be, and how. Nothing is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fixpickle.cli.git import git
from fixpickle.model import Refusal

_NAMED = 10  # files with work that are named; a line says how many more there are
_UNFINISHED = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A clean working tree: its top, the branch that is checked out, and the one that is to be made."""

    top: Path
    home: str
    branch: str


def clean_repository(where: Path, branch: str) -> Repository | Refusal:
    """The repository around a folder, if a branch of that name can be made in it and nothing be lost; else why not."""
    top = git(where, "rev-parse", "--show-toplevel")
    if isinstance(top, Refusal):
        return Refusal(where, f"is in no working tree of git ({top.reason}); `fixpickle apply` needs none")
    root = Path(top.rstrip("\n"))
    home = git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    if isinstance(home, Refusal):
        return Refusal(root, "HEAD is detached; switch to the branch that the pull request is to start from")
    if isinstance(git(root, "rev-parse", "--quiet", "--verify", "HEAD"), Refusal):
        return Refusal(root, "there is no commit yet")
    for name, what in _UNFINISHED.items():
        if not isinstance(git(root, "rev-parse", "--quiet", "--verify", name), Refusal):
            return Refusal(root, f"a {what} is not finished; finish or abort it first")
    if isinstance(git(root, "check-ref-format", "--branch", branch), Refusal):
        return Refusal(root, f"`{branch}` is no name for a branch")
    if not isinstance(git(root, "rev-parse", "--quiet", "--verify", f"refs/heads/{branch}"), Refusal):
        return Refusal(root, f"a branch `{branch}` is there already; --branch names another one")
    who = git(root, "var", "GIT_COMMITTER_IDENT")
    if isinstance(who, Refusal):
        return Refusal(root, "git does not know who commits: set user.name and user.email with `git config`")
    return _without_work(root) or Repository(root, home.strip(), branch)


def _without_work(root: Path) -> Refusal | None:
    """Why a working tree is not clean; None where it is."""
    status = git(root, "status", "--porcelain", "-z", "--no-renames")
    if isinstance(status, Refusal):
        return status
    names = [entry[3:] for entry in status.split("\0") if entry]
    if not names:
        return None
    named = "".join(f"\n  {name}" for name in names[:_NAMED])
    more = f"\n  and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Refusal(
        root, f"there is work that is in no commit:{named}{more}\ncommit it, or `git stash -u` puts it aside"
    )


def tracked(repository: Repository) -> frozenset[Path] | Refusal:
    """The files that git holds, with links resolved."""
    listed = git(repository.top, "ls-files", "-z")
    if isinstance(listed, Refusal):
        return listed
    top = repository.top.resolve()
    return frozenset(top / name for name in listed.split("\0") if name)


def start_branch(repository: Repository) -> Refusal | None:
    """Makes the branch and switches to it; why not, where git refuses."""
    done = git(repository.top, "checkout", "--quiet", "-b", repository.branch)
    return done if isinstance(done, Refusal) else None


def drop_branch(repository: Repository) -> None:
    """Goes back to where it started and removes the branch, one without commits. What git refuses is left."""
    if not isinstance(git(repository.top, "checkout", "--quiet", repository.home), Refusal):
        git(repository.top, "branch", "--quiet", "--delete", repository.branch)


def commit(repository: Repository, paths: Sequence[Path], message: str) -> str | Refusal:
    """Commits just these files and gives the commit's name. Where git or a hook refuses, nothing is left staged."""
    top = repository.top.resolve()
    names = [path.resolve().relative_to(top).as_posix() for path in paths]
    # What our fixes bring along may match a pattern of .gitignore, and must be there all the same.
    added = git(top, "add", "--force", names=names)
    done = added if isinstance(added, Refusal) else git(top, "commit", "--quiet", "-m", message)
    if isinstance(done, Refusal):
        git(top, "reset", "--quiet", names=names)
        return done
    name = git(top, "rev-parse", "HEAD")
    return name if isinstance(name, Refusal) else name.strip()
