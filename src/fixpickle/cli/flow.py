"""One command: settings, the run, what is written, what is printed, and the exit code. Imports the engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fixpickle.cache import trees
from fixpickle.cache.codec import Damaged
from fixpickle.cache.trees import Notes
from fixpickle.cli.checking import UserCheck
from fixpickle.cli.command import shown
from fixpickle.cli.interactive import Session, talk
from fixpickle.cli.led import concluded, follow, told
from fixpickle.cli.offers import Album
from fixpickle.cli.recalling import opened
from fixpickle.cli.request import Allow, Mode, Request
from fixpickle.cli.saying import say, texts_of, warn_of_patch
from fixpickle.cli.settling import narrowed, refuse
from fixpickle.cli.terminal import clear, complain, in_color, progress, put
from fixpickle.cli.working import working
from fixpickle.cli.writing import Written, complaint, read_again, undoing, unfinished, written
from fixpickle.engine import Decide, Ports, run
from fixpickle.model import Format, Refusal, RunReport, Settings, Source
from fixpickle.reading import listed
from fixpickle.registry import load_rules
from fixpickle.report import View
from fixpickle.report.diff import unified
from fixpickle.rewrite.style import tidy
from fixpickle.rule import Rule
from fixpickle.settings import load
from fixpickle.shelf import Changed
from fixpickle.tidying import Tidying
from fixpickle.verify import Prover
from fixpickle.workers import Lost, Remote
from fixpickle.write import account, as_found


def execute(request: Request) -> int:
    """Does what was asked and says so. Gives the exit code: 0 nothing left to do, 1 something left, 2 cannot start."""
    if not any(os.path.lexists(path) for path in request.paths):
        complain(f"{request.paths[0]}: no such file or directory")
        return 2
    rules = load_rules()
    settings = load(request.paths, request.options, [rule.name for rule in rules])
    settings = narrowed(settings) if isinstance(settings, Settings) else settings
    if request.mode is Mode.LIST and isinstance(settings, Settings):
        return _list(request, settings)
    try:
        return _executed(request, settings, rules)
    except (Changed, Lost) as error:
        complain(str(error))
        return 2


def _executed(request: Request, settings: Settings | Refusal, rules: Sequence[Rule]) -> int:
    led = follow(request, settings) if isinstance(settings, Settings) else settings
    if isinstance(led, Refusal):
        return refuse(led)
    settings = led.settings
    session = _session(request, settings)
    if isinstance(session, str):
        complain(session)
        return 2
    album = Album(session)
    decide = album if Format.HTML in settings.formats else session
    report = told(led, replace(_run(request, settings, rules, decide), offers=tuple(album.kept)))
    report = replace(report, left=() if settings.fix_only else report.left)
    sources, refused = read_again(report.changes)
    ended = _ended(request, settings, account(report, refused), sources, session)
    if isinstance(ended, str):
        complain(ended)
        return 2
    report = ended.report
    if request.mode is Mode.DIFF:
        put(sys.stdout, unified(report.changes, report.root, sources, Path.cwd()))
    unsaid = say(request, settings, report, texts_of(report) if Format.HTML in settings.formats else {})
    if request.mode is Mode.DIFF:
        warn_of_patch(report)
    if ended.run is not None and not request.quiet:
        put(sys.stderr, f"`{undoing(ended.run, Path.cwd())}` takes this back\n")
    if session is not None:
        session.close(report)
    if unsaid is not None:
        return refuse(unsaid)
    return concluded(led, request, report)


def _run(request: Request, settings: Settings, rules: Sequence[Rule], decide: Decide | None) -> RunReport:
    """The run, and on stderr what the user has to know of how user code was run."""
    show, fix = progress(sys.stderr, request.quiet), request.mode is not Mode.CHECK
    with working(settings) as executor, Prover(show, executor if isinstance(executor, Remote) else None) as prover:
        folder = opened(settings)
        notes = Notes(folder) if folder is not None else None
        tidying = Tidying(executor, show)
        ports = Ports(prover.prove, prover.examine, tidy, show, decide, prover.weigh, notes, executor, tidying)
        try:
            report = run(request.paths, settings, rules, ports, fix=fix)
        except Damaged:  # an entry that somebody made to look whole
            ports = replace(ports, notes=None)
            report = run(request.paths, settings, rules, ports, fix=fix)
        if ports.notes is not None and not fix:
            trees.keep(ports.notes, request.paths, settings, report)

        def again(decide: Decide, verify: bool) -> RunReport:
            given = replace(
                settings, verify=verify and settings.verify, require_proof=verify and settings.require_proof
            )
            return run(request.paths, given, rules, replace(ports, decide=decide), fix=fix)

        report = UserCheck(settings, show).kept(report, again)
        clear(sys.stderr, request.quiet)
        for remark in () if request.quiet else prover.remarks:
            complain(remark)
    return report


def _list(request: Request, settings: Settings) -> int:
    """Names the files that would be read, in a line each; 1 where a path cannot be entered."""
    files, refused = listed(request.paths, settings)
    put(sys.stdout, "".join(f"{shown(path, Path.cwd())}\n" for path in files))
    for refusal in refused:
        complain(f"{refusal.path}: {refusal.reason}")
    return 1 if refused else 0


def _session(request: Request, settings: Settings) -> Session | str | None:
    """The conversation that was asked for; or why there cannot be one."""
    if not request.care.interactive:
        return None
    # With --diff, stdout is the patch's.
    stream = sys.stderr if request.mode is Mode.DIFF else sys.stdout
    if not (sys.stdin and sys.stdin.isatty() and stream and stream.isatty()):
        name = "stderr" if request.mode is Mode.DIFF else "stdout"
        return f"--interactive needs a terminal, and stdin or {name} is none; use --diff or --dry-run to look first"
    view = View(Path.cwd(), in_color(settings.color, stream))
    ends = {Mode.APPLY: "Write", Mode.DIFF: "Print", Mode.DRY_RUN: "Report"}
    return Session(talk(stream), view, settings.root, request.care.resume, _allow(settings), ends[request.mode])


def _allow(settings: Settings) -> Allow:
    return Allow(settings.allow_dirty, settings.allow_staged)


def _ended(
    request: Request, settings: Settings, report: RunReport, sources: Mapping[Path, Source], session: Session | None
) -> Written | str:
    """The run written, where it was to be; or why nothing was."""
    if request.mode is not Mode.APPLY:
        return Written(as_found(report), None)
    killed = unfinished(report.root)
    if killed is not None:
        complain(f"an earlier run was killed while it wrote; `{undoing(killed, Path.cwd())}` takes back what it did")
    done = session.barred if session and session.barred else written(report, sources, _allow(settings))
    if isinstance(done, tuple):
        return complaint(done, Path.cwd())
    return replace(done, report=replace(done.report, written=True))
