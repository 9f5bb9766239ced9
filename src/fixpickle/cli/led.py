"""A run that follows a record: what it acts on, what it cannot act on, and what a second run of the program says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.cli.request import Request
from fixpickle.cli.saying import exit_code
from fixpickle.cli.terminal import complain, put
from fixpickle.model import Evidence, Finding, Refusal, RunReport, Settings, Source, Traced
from fixpickle.sightings import seen
from fixpickle.source import read
from fixpickle.trace.record import Record, from_file, to_json
from fixpickle.trace.run import Program, trace
from fixpickle.trace.sites import compared, sites
from fixpickle.trace.summary import known, outcome


@dataclass(frozen=True, slots=True)
class Led:
    """The settings of a run; where a record leads it, that record, and the files of it that have changed since."""

    settings: Settings
    record: Record | None = None
    changed: tuple[Refusal, ...] = ()


def follow(request: Request, settings: Settings) -> Led | Refusal:
    """The settings, for what the record holds and nothing else where there is one; or why it cannot be followed."""
    if request.lead is None:
        return Led(settings)
    record = from_file(request.lead.record)
    if isinstance(record, Refusal):
        return record
    traced, changed = sites(record, Path.cwd())
    if not traced and not changed:
        complain(f"{request.lead.record}: it holds no failure that leads to a line of your own code")
    return Led(replace(settings, traced=traced, reach=Evidence.TRACED), record, changed)


def told(led: Led, report: RunReport) -> RunReport:
    """The report, with what the record holds and the run could not act on as skipped."""
    met = list(_findings(report))
    old = {change.path: change.old for change in report.changes}
    unknown = dict.fromkeys(
        Refusal(one.path, "a traced run failed here, and nothing was found; was the file left out?", one.line)
        for one in led.settings.traced
        if not one.bound and not any(_about(one, finding, first, old) for finding, first in met)
    )
    return replace(report, skipped=(*report.skipped, *led.changed, *unknown))


def concluded(led: Led, request: Request, report: RunReport) -> int:
    """The exit code; where a record led and something was written, after the program has been run again."""
    code = exit_code(led.settings, report)
    if led.record is None or request.lead is None or not (request.lead.rerun and report.written and report.changes):
        return code
    return code if _again(led.record, request.lead.record, request.quiet) or led.settings.exit_zero else 1


def _findings(report: RunReport) -> Iterator[tuple[Finding, bool]]:
    """Everything that was found, and whether in the files as they were."""
    yield from ((fixed.patch.finding, fixed.round == 1) for fixed in report.fixed)
    yield from ((back.patch.finding, True) for back in report.taken_back)
    yield from ((left.finding, True) for left in report.left)
    yield from ((silent.finding, True) for silent in report.suppressed)


def _about(one: Traced, finding: Finding, first: bool, old: Mapping[Path, str | None]) -> bool:
    if finding.path != one.path or one.words not in finding.reach.chain:
        return False
    if not first or one.carrier:
        return True
    text = old.get(one.path)
    source = read(one.path, explicit=True) if text is None else None
    text = source.text if isinstance(source, Source) else text or ""
    return seen((one,), one.path, finding.span, text[finding.span.start : finding.span.end]) is not None


def _again(before: Record, path: Path, quiet: bool) -> bool:
    """Runs the program of the record at `path` once more, traced, and says what is gone, stays and is new.

    True where all is gone. The new record stands beside the old one, as `NAME-after.json`.
    """
    if not quiet:
        put(sys.stderr, f"running it again: {' '.join(before.command)}\n")
    record = trace(Program(before.command, before.limit), Path(before.folder))
    if isinstance(record, Refusal):
        complain(f"{record.path}: {record.reason}")
        return False
    beside = path.with_name(f"{path.stem}-after{path.suffix}")
    beside.write_text(to_json(record), encoding="utf-8")
    result = compared(before, record)
    put(sys.stderr, outcome(result, before, record, Path.cwd()))
    put(sys.stderr, f"the record of this run is {beside}\n")
    return known(result, record) and not (result.stay or result.new)
