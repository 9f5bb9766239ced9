"""What a run says: the report where it was asked for, and what a person must know of the patch."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fixpickle.cli.command import command
from fixpickle.cli.request import Mode, Request
from fixpickle.cli.terminal import complain, in_color, put
from fixpickle.model import Refusal, RunReport, Settings, Source
from fixpickle.report import View, render
from fixpickle.report.diff import out_of_reach
from fixpickle.source import read


def exit_code(settings: Settings, report: RunReport) -> int:
    """0, or 1 where something is left to do, or is not as it was."""
    done = report.clean and (report.written or not report.changes)
    return 0 if settings.exit_zero or (done and not (settings.exit_non_zero_on_fix and report.fixed)) else 1


def say(request: Request, settings: Settings, report: RunReport, texts: Mapping[Path, str]) -> Refusal | None:
    """Prints the report and writes it to the files that were asked for; why not, of one that cannot be written.

    `texts` are the files in which something is left, for formats that show code.
    """
    stream = sys.stderr if request.mode in (Mode.DIFF, Mode.FILTER) else sys.stdout
    view = View(
        Path.cwd(),
        in_color(settings.color, stream),
        request.quiet,
        found=request.mode is Mode.CHECK,
        command=command("check" if request.mode is Mode.CHECK else "apply", request.paths, request.options, Path.cwd()),
        texts=texts,
    )
    put(stream, render(settings.output_format, report, view))
    for form, path in settings.output:
        text = render(form, report, replace(view, color=False, quiet=False))
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        except OSError as error:
            return Refusal(path, f"the report cannot be written: {error.strerror}")
    return None


def warn_of_patch(report: RunReport) -> None:
    """Says which files of a patch `git apply` would leave out, without a word, where it is started from here."""
    top, missed = out_of_reach(report.changes, report.root, Path.cwd())
    if missed:
        names = "".join(f"\n  {os.path.relpath(path, top)}" for path in missed)
        complain(
            f"the patch also changes files outside of this folder, which `git apply` passes over here:{names}\n"
            f"apply it from the top of the repository: `git -C {top} apply`"
        )


def texts_of(report: RunReport) -> dict[Path, str]:
    """The files that hold what is left, as they are now."""
    read_now = ((left.finding.path, read(left.finding.path, explicit=True)) for left in report.left)
    return {path: source.text for path, source in read_now if isinstance(source, Source)}
