"""`fixpickle apply --interactive`: a person decides, fix by fix, with the verdict in view."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from fixpickle.cli.guard import guard
from fixpickle.cli.request import Allow
from fixpickle.cli.rounds import Answer, Orders, Round, is_proved
from fixpickle.cli.terminal import clear, put
from fixpickle.model import Change, Finding, Offer, Refusal, RunReport
from fixpickle.report import View
from fixpickle.report.diff import unified
from fixpickle.report.text import of_fix
from fixpickle.store import decide, decisions

_LONG = 40  # lines of a new file beyond which it is named and not shown: runtime modules have hundreds
_HELP = """\
y  apply this fix
n  leave this one as it is
a  apply this one and all others of its rule, in later rounds too; on a proved fix: all that are proved
A  apply this one and all others of every rule, likewise
d  leave this one and all others in its file
b  go back to the one before
e  apply this one, and open its file in $VISUAL or $EDITOR once it is written; what you change there is not proved
q  stop asking: leave the rest, go on with what was accepted
?  this help
Ctrl-C ends the run, and nothing is written. Answers are kept: --resume does not ask again what was answered.
"""


@dataclass(frozen=True, slots=True)
class Talk:
    """A terminal: how something is said, and how a question is answered. Raises KeyboardInterrupt where it ends."""

    say: Callable[[str], None]
    ask: Callable[[str], str]


@dataclass(slots=True)
class Session:
    """A conversation over the rounds of one run; as the engine's port `decide`, it is called with each round's offers.

    `ends` is what becomes of what is accepted, as a verb. `barred` are files that may not be written, as the guard has
    it: where there are any, nothing is asked.
    """

    talk: Talk
    view: View
    root: Path
    resume: bool
    allow: Allow
    ends: str
    barred: tuple[Refusal, ...] = ()
    _orders: Orders = field(default_factory=Orders)
    _edited: frozenset[Path] = frozenset()
    _known: dict[str, str] = field(default_factory=dict)
    _told: list[tuple[Finding, Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known = decisions(self.root.resolve())

    def __call__(self, offers: Sequence[Offer]) -> Sequence[bool]:
        clear(sys.stderr, quiet=False)
        paths = {change.path for offer in offers for change in offer.changes if change.old is not None}
        self.barred = self.barred or (guard(paths, self.root.resolve(), self.allow) if self.ends == "Write" else ())
        if self.barred:
            return [False] * len(offers)
        now = Round(tuple(offers), self._remembered(offers), self._orders, self._edited).filled()
        if self._told and now.at is not None:
            self.talk.say("\nThere is more to fix now that those are in place.\n")
        try:
            while now.at is not None:
                now = self._asked(now, now.at)
                self._keep(now)
        except KeyboardInterrupt:
            self.talk.say("\nNothing was written. --resume goes on from here.\n")
            raise
        self._orders, self._edited = now.orders, now.edited
        self._known = self._with(now)
        answers = [answer or Answer.UNASKED for answer in now.answers]
        self._told += [(o.fixed.patch.finding, a) for o, a in zip(offers, answers, strict=True)]
        return [answer is Answer.ACCEPTED for answer in answers]

    def close(self, report: RunReport) -> None:
        """Lists what was decided, and opens the files that were to be edited."""
        kept = {fixed.patch.finding.fingerprint for fixed in report.fixed}
        for finding, answer in sorted(self._told, key=lambda told: (list(Answer).index(told[1]), told[0].path)):
            lost = answer is Answer.ACCEPTED and finding.fingerprint not in kept
            place = f"{self._shown(finding.path)}:{finding.span.where}"
            self.talk.say(
                f"{answer.value:<9}  {finding.rule} at {place}{', but it could not be kept' if lost else ''}\n"
            )
        if report.written:
            self._save({name: value for name, value in self._known.items() if name not in kept})
            changed = {change.path for change in report.changes}
            self._edit([path for path in sorted(self._edited) if path in changed])

    # --- asking ---

    def _asked(self, now: Round, at: int) -> Round:
        """The state after one more answer."""
        offer = now.offers[at]
        self.talk.say(f"\n{self._dim(f'fix {at + 1} of {len(now.offers)}')}\n" + "".join(self._shows(offer)))
        keys = "y,n,a,A,d,b,e,q,?" if self.ends == "Write" else "y,n,a,A,d,b,q,?"
        verdict = "proved" if is_proved(offer) else "unproved"
        while True:
            said = self.talk.ask(f"Apply this {verdict} fix [{keys}]? ").strip()
            after = self._answered(now, offer, said)
            if after is not None:
                return after
            if said == "b":
                self.talk.say("This is the first one that was asked in this round.\n")
            elif said == "e":
                self.talk.say("Nothing is written in this mode.\n" if self.ends != "Write" else _NO_EDITOR)
            elif said != "q":
                self.talk.say(_HELP)

    def _answered(self, now: Round, offer: Offer, said: str) -> Round | None:
        """The state after an answer; None for one that leads nowhere."""
        orders, finding = now.orders, offer.fixed.patch.finding
        match said:
            case "y":
                return now.next(Answer.ACCEPTED, orders)
            case "n":
                return now.next(Answer.DECLINED, orders)
            case "a" | "A":
                rule = (finding.rule if said == "a" else "", not is_proved(offer))
                return now.next(Answer.ACCEPTED, replace(orders, rules=orders.rules | {rule}))
            case "d":
                return now.next(Answer.DECLINED, replace(orders, files=orders.files | {finding.path}))
            case "b":
                return now.before
            case "e" if self.ends == "Write" and _editor():
                return now.next(Answer.ACCEPTED, orders, frozenset({finding.path}))
            case "q" if self._may_stop(now):
                return now.next(Answer.UNASKED, replace(orders, over=True))
        return None

    def _may_stop(self, now: Round) -> bool:
        accepted = [answer for _, answer in self._told if answer is Answer.ACCEPTED]
        count = len(accepted) + now.answers.count(Answer.ACCEPTED)
        if not count:
            return True
        fixes = "the one fix" if count == 1 else f"the {count} fixes"
        return self.talk.ask(f"{self.ends} {fixes} accepted so far, and leave the rest [y,n]? ").strip() == "y"

    # --- showing ---

    def _shows(self, offer: Offer) -> Iterator[str]:
        yield of_fix(offer.fixed, self.view)
        short = [change for change in offer.changes if not _is_long(change)]
        for line in unified(short, self.root, base=self.view.base).decode("utf-8", "replace").split("\n")[:-1]:
            yield self._painted(_visible(line)) + "\n"
        for change in offer.changes:
            if _is_long(change):
                lines = change.new.count("\n")
                yield self._dim(f"and the new file {self._shown(change.path)} of {lines} lines") + "\n"

    def _painted(self, line: str) -> str:
        if line.startswith(("diff ", "--- ", "+++ ", "new file ")):
            return self._ink(line, "1")
        return self._ink(line, {"+": "32", "-": "31", "@": "36"}.get(line[:1], ""))

    def _dim(self, text: str) -> str:
        return self._ink(text, "2")

    def _ink(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.view.color and code else text

    def _shown(self, path: Path) -> str:
        base = self.view.base
        return os.path.relpath(path, base) if path.is_relative_to(base) else str(path)

    # --- remembering ---

    def _remembered(self, offers: Sequence[Offer]) -> tuple[Answer | None, ...]:
        """The answers of an earlier session. What was accepted must be the same fix still, with the same verdict."""
        if not self.resume:
            return (None,) * len(offers)
        known = [self._known.get(offer.fixed.patch.finding.fingerprint) for offer in offers]
        answers = tuple(_recalled(value, offer) for value, offer in zip(known, offers, strict=True))
        number = sum(answer is not None for answer in answers)
        if number:
            self.talk.say(f"{number} of {len(offers)} fixes were decided before and are not asked about again.\n")
        return answers

    def _with(self, now: Round) -> dict[str, str]:
        told = zip(now.offers, now.answers, strict=True)
        new = {o.fixed.patch.finding.fingerprint: _noted(a, o) for o, a in told if a not in (None, Answer.UNASKED)}
        return {**self._known, **new}

    def _keep(self, now: Round) -> None:
        self._save(self._with(now))

    def _save(self, known: Mapping[str, str]) -> None:
        try:
            decide(self.root.resolve(), known)
        except OSError as error:
            self.talk.say(f"Answers cannot be kept for --resume: {error.strerror or error}\n")

    def _edit(self, paths: Sequence[Path]) -> None:
        if not paths:
            return
        editor = _editor()
        try:
            subprocess.run([*editor, *map(str, paths)], check=False)
        except OSError as error:
            self.talk.say(f"{editor[0]} cannot be run: {error.strerror}\n")
            return
        self.talk.say("What you changed in the editor is not proved; `fixpickle apply` looks at it again.\n")


_NO_EDITOR = "There is no editor: set VISUAL or EDITOR.\n"


def talk(stream: TextIO) -> Talk:
    """The terminal behind `stream` and stdin. A terminal that hangs up, or Ctrl-D, ends the run as Ctrl-C does."""

    def ask(question: str) -> str:
        put(stream, question)
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line

    return Talk(lambda text: put(stream, text), ask)


def _editor() -> list[str]:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        return shlex.split(command, posix=os.name != "nt")
    except ValueError:  # a quote that is not closed
        return []


def _is_long(change: Change) -> bool:
    return change.old is None and change.new.count("\n") > _LONG


def _visible(line: str) -> str:
    """A line of code that cannot move the cursor or hide what it says."""
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line.removesuffix("\r"))


def _noted(answer: Answer | None, offer: Offer) -> str:
    return f"accepted {_digest(offer)}" if answer is Answer.ACCEPTED else "declined"


def _recalled(value: str | None, offer: Offer) -> Answer | None:
    if value == "declined":
        return Answer.DECLINED
    return Answer.ACCEPTED if value == f"accepted {_digest(offer)}" else None


def _digest(offer: Offer) -> str:
    words = [type(offer.fixed.verdict).__name__]
    for change in offer.changes:
        words += [str(change.path), change.old or "", change.new]
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:16]
