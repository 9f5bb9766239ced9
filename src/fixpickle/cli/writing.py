"""What comes before and after a run writes: the guard, and the journal that `fixpickle undo` reads."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixpickle.cli.guard import guard
from fixpickle.cli.request import Allow
from fixpickle.model import Change, Refusal, RunReport, Source
from fixpickle.source import encode, read
from fixpickle.store import Stored, Target, begin, drop, end, runs
from fixpickle.write import account, grouped, write


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a run that wrote, and what the journal has of it; None where there was nothing to write."""

    report: RunReport
    run: Stored | None


def read_again(changes: Iterable[Change]) -> tuple[dict[Path, Source], list[Refusal]]:
    """The files that are to change as they are now, and those that are not what the run saw or cannot hold the fix."""
    sources: dict[Path, Source] = {}
    refused: list[Refusal] = []
    for change in changes:
        if change.old is None:
            continue
        source = read(change.path, explicit=True)
        data = source if isinstance(source, Refusal) else encode(change.new, source)
        if isinstance(source, Refusal) or source.text != change.old:
            refused.append(Refusal(change.path, "changed on disk since it was read; run again"))
        elif isinstance(data, Refusal):
            refused.append(data)
        else:
            sources[change.path] = source
    return sources, refused


def written(report: RunReport, sources: Mapping[Path, Source], allow: Allow) -> Written | tuple[Refusal, ...]:
    """Writes what a run changes; or says why nothing was written.

    `sources` are the files that change, as they are now. What leads out of the project is refused by itself: undo goes
    nowhere else.
    """
    root = report.root.resolve()
    barred = guard((change.path for change in report.changes if change.old is not None), root, allow)
    if barred:
        return barred
    report = account(report, [refusal for change in report.changes for refusal in _led_out(change.path, root)])
    targets = [target for change in report.changes for target in _target(change, sources, root)]
    if not targets:
        return Written(account(report, write(grouped(report), sources)), None)
    run = begin(root, targets, len(report.fixed))
    if isinstance(run, Refusal):
        return (run,)
    report = account(report, write(grouped(report), sources))
    if not report.changes:
        drop(run)
        return Written(report, None)
    return Written(report, end(run))


def unfinished(root: Path) -> Stored | None:
    """The last run, if it was killed while it wrote and was not taken back."""
    stored = runs(root.resolve())
    last = stored[-1] if stored and not isinstance(stored, Refusal) else None
    return last if isinstance(last, Stored) and not last.whole and not last.undone else None


def undoing(run: Stored, here: Path) -> str:
    """The command that takes a run back, from the folder `here`."""
    here = here.resolve()
    if run.root in (here, *here.parents):
        return f"fixpickle undo {run.record.run}"
    return f"fixpickle undo {run.record.run} --project {shlex.quote(str(run.root))}"


def complaint(barred: Sequence[Refusal], here: Path) -> str:
    """Why nothing was written, for a person, in a line for each file."""
    if not all(refusal.reason in ("untracked", "changed", "staged") for refusal in barred):
        hint = "; --allow-dirty does without git" if any("git cannot" in r.reason for r in barred) else ""
        return "nothing was written: " + "\n  ".join(f"{r.path}: {r.reason}" for r in barred) + hint
    options = "--allow-staged" if {r.reason for r in barred} == {"staged"} else "--allow-dirty"
    return (
        "\n  ".join(
            [
                "nothing was written: these files hold work that is in no commit",
                *(f"{_shown(refusal.path, here)} ({refusal.reason})" for refusal in barred),
            ]
        )
        + f"\ncommit it, or pass {options} to change them all the same (`fixpickle undo` takes it back)"
    )


def _shown(path: Path, here: Path) -> str:
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _led_out(path: Path, root: Path) -> Iterable[Refusal]:
    target = path.resolve()
    if not target.is_relative_to(root):
        yield Refusal(path, f"is a link that leads out of {root}; fix {target} where it is")


def _target(change: Change, sources: Mapping[Path, Source], root: Path) -> Iterable[Target]:
    """What the journal keeps of a change; nothing for a new file that is there already, which no run made."""
    target = change.path.resolve()
    path = target.relative_to(root).as_posix()
    if change.old is None:
        if not target.exists():
            yield Target(path, None, change.new.encode())
        return
    source = sources[change.path]
    old, new = encode(source.text, source), encode(change.new, source)
    if isinstance(old, bytes) and isinstance(new, bytes):
        yield Target(path, old, new, stat.S_IMODE(target.stat().st_mode))
