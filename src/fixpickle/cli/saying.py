"""What a run says: the report where it was asked for, and what a person must know of the patch."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from fixpickle.cli.command import command
from fixpickle.cli.request import Mode, Request
from fixpickle.cli.terminal import complain, in_color, put
from fixpickle.model import Refusal, RunReport, Source
from fixpickle.report import Format, View, render
from fixpickle.report.diff import out_of_reach
from fixpickle.source import read


def say(request: Request, report: RunReport) -> Refusal | None:
    """Prints the report and writes it to the files that were asked for; why not, of one that cannot be written."""
    stream = sys.stderr if request.mode is Mode.DIFF else sys.stdout
    view = View(
        Path.cwd(),
        in_color(request.color, stream),
        request.quiet,
        found=request.mode is Mode.CHECK,
        command=command("check" if request.mode is Mode.CHECK else "apply", request.paths, request.options, Path.cwd()),
        texts=_texts(report) if Format.HTML in request.formats else {},
    )
    put(stream, render(request.output, report, view))
    for form, path in request.files:
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


def _texts(report: RunReport) -> dict[Path, str]:
    """The files that hold what is left, as they are now."""
    read_now = ((left.finding.path, read(left.finding.path, explicit=True)) for left in report.left)
    return {path: source.text for path, source in read_now if isinstance(source, Source)}
