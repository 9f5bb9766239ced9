"""What git says about the files at hand. Nothing is configured, and nothing sent anywhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from fixpickle.model import Refusal


def git(where: Path, *arguments: str, names: Iterable[str] | None = None) -> str | Refusal:
    """What a git command prints when it is run in a folder, or its complaint.

    `names` are files for a command that reads them from its input: there may be more than a command line holds.
    """
    given = None if names is None else "\0".join(names).encode("utf-8", "surrogateescape")
    whole = ["git", "-C", str(where), *arguments]
    if names is not None:
        whole[3:] = ["--literal-pathspecs", *arguments, "--pathspec-from-file=-", "--pathspec-file-nul"]
    try:
        done = subprocess.run(whole, input=given, capture_output=True, check=False)
    except OSError as error:
        return Refusal(where, f"git cannot be run: {error.strerror}")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Refusal(where, f"git {arguments[0]}: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", "surrogateescape")


def changed_since(revision: str, where: Path) -> frozenset[Path] | Refusal:
    """The files that differ from where the branch left `revision`, and those that git does not know yet; absolute."""
    top = git(where, "rev-parse", "--show-toplevel")
    if isinstance(top, Refusal):
        return top
    root = Path(top.rstrip("\n"))
    fork = git(root, "merge-base", revision, "HEAD")
    if isinstance(fork, Refusal):
        return Refusal(where, f"there is no revision `{revision}` to compare with ({fork.reason})")
    tracked = git(root, "diff", "--name-only", "-z", "--diff-filter=d", fork.strip(), "--")
    new = git(root, "ls-files", "--others", "--exclude-standard", "-z")
    for answer in (tracked, new):
        if isinstance(answer, Refusal):
            return answer
    return frozenset(_paths(root, (tracked, new)))


def _paths(root: Path, answers: Iterable[str | Refusal]) -> Iterable[Path]:
    for answer in answers:
        for name in str(answer).split("\0"):
            if name:
                # Sources are known by the path they were reached by, and a repository may be reached through a link.
                yield root / name
                yield (root / name).absolute()
