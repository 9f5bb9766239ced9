"""One file from standard input, in place of what is on disk. Nothing is written but what the report goes to."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from fixpickle.cli.request import Mode, Request
from fixpickle.cli.saying import exit_code, say
from fixpickle.cli.settling import narrowed, refuse
from fixpickle.cli.terminal import complain, put
from fixpickle.engine import Ports, run
from fixpickle.model import Refusal, RunReport, Settings, Source
from fixpickle.registry import load_rules
from fixpickle.report.diff import unified
from fixpickle.rewrite.style import tidy
from fixpickle.settings import load
from fixpickle.source import decode, encode
from fixpickle.verify import Prover
from fixpickle.write import as_found


def filtered(request: Request, name: Path) -> int:
    """Does what was asked with the bytes on stdin, as those of the file `name`, absolute. Gives the exit code.

    The file as fixed goes to stdout, as it came where it cannot be read as Python; with `--diff` the patch does.
    """
    if request.care.interactive:
        complain("--interactive needs a terminal, and stdin is the file")
        return 2
    if request.lead is not None:
        complain("--from-trace is about files as they are on disk, and stdin is another text")
        return 2
    path = Path(os.path.normpath(name))
    rules = load_rules()
    settings = load([path], request.options, [rule.name for rule in rules])
    settings = narrowed(settings) if isinstance(settings, Settings) else settings
    if isinstance(settings, Refusal):
        return refuse(settings)
    data = sys.stdin.buffer.read()
    with Prover() as prover:
        ports = Ports(prove=prover.prove, examine=prover.examine, tidy=tidy, progress=_silence)
        report = run([path], settings, rules, ports, fix=request.mode is not Mode.CHECK, held={path: data})
    source = decode(data, path, explicit=True)
    report = replace(report, left=() if settings.fix_only else report.left)
    report = _put(request.mode, report, source, data)
    texts = {path: source.text} if isinstance(source, Source) else {}
    unsaid = say(request, settings, report, texts)
    if unsaid is not None:
        return refuse(unsaid)
    return exit_code(settings, report)


def _put(mode: Mode, report: RunReport, source: Source | Refusal, data: bytes) -> RunReport:
    """Prints what the mode prints; the report, of what came of it."""
    if mode is Mode.DIFF and isinstance(source, Source):
        put(sys.stdout, unified(report.changes, report.root, {source.path: source}, Path.cwd()))
    if mode is not Mode.FILTER:
        return as_found(report)
    fixed = _fixed(report, source) if isinstance(source, Source) else data
    put(sys.stdout, data if isinstance(fixed, Refusal) else fixed)
    if isinstance(fixed, Refusal):
        return replace(report, skipped=(*report.skipped, fixed))
    return replace(report, written=True)


def _fixed(report: RunReport, source: Source) -> bytes | Refusal:
    new = next((change.new for change in report.changes if change.path == source.path), source.text)
    return encode(new, source)


def _silence(what: str, done: int, of: int) -> None:
    """A filter shows no progress: what calls it has its own."""
