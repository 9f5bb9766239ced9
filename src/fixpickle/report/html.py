"""RunReport -> one HTML page for people: nothing to fetch, nothing to install, every value escaped.

The page stands in `page/`: a template, a style and a script. Its content security policy names the last two by their
hashes and allows nothing else, so that what a report quotes can neither run nor reach the network. Imports jinja2 and
pygments.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fixpickle import __version__
from fixpickle.model import Carrier, Change, Finding, Proved, Refuted, RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, State, rows, shown
from fixpickle.report.sides import Block, Line, excerpt, side_by_side, visible
from fixpickle.report.text import summary

_LONG = 60  # lines of a new file beyond which it is folded: runtime modules have hundreds
_CODE = re.compile(r"`([^`]+)`")
_SAYS = {
    State.PROVED: "failed before and crosses now",
    State.UNPROVED: "fixed; nothing could be exercised",
    State.TAKEN_BACK: "tried, and not kept",
    State.LEFT: "no fix here, with the reason",
    State.FOUND: "found, and not yet fixed",
}


@dataclass(frozen=True, slots=True)
class _Sides:
    """A file of a fix, before and after. `lines` are those of a new file, which has no before."""

    path: str
    blocks: tuple[Block, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def folded(self) -> bool:
        return len(self.lines) > _LONG


@dataclass(frozen=True, slots=True)
class _Card:
    """One finding as the page shows it. `code` is what was found, `now` what the proof says of it with the fix."""

    id: str
    row: Row
    path: str
    place: str
    code: str
    now: str
    sides: tuple[_Sides, ...]
    lines: tuple[Line, ...]


def render(report: RunReport, view: View) -> str:
    """The page. Paths count from `view.base`; code is shown as far as `report.offers` and `view.texts` have it."""
    environment, policy = _environment()
    cards = tuple(_cards(report, view))
    counts = Counter(card.row.state for card in cards)
    return environment.get_template("report.html").render(
        policy=policy,
        version=__version__,
        project=report.root.name or str(report.root),
        summary=summary(report, view.found),
        command=view.command,
        report=report,
        cards=cards,
        states=[(state, counts[state], _SAYS[state]) for state in State if counts[state]],
        table=_table(cards),
        objects=[_crossing(carrier, cards, view) for carrier in report.carriers],
        skipped=[(shown(one.path, view.base), one.line, one.reason) for one in report.skipped],
        suppressed=[(one.finding, _place(one.finding, view), one.reason) for one in report.suppressed],
        files=[_sides(change, view) for change in report.changes],
    )


@lru_cache(maxsize=1)
def _environment() -> tuple[Environment, str]:
    """The template's environment, and the policy that admits our own style and script."""
    environment = Environment(
        loader=PackageLoader("fixpickle.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
    )
    style, script = _asset(environment, "report.css"), _asset(environment, "report.js")
    environment.globals.update(style=Markup(style), script=Markup(script))
    environment.filters.update(visible=visible, prose=_prose)
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    return environment, f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _asset(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _prose(text: str) -> Markup:
    """A sentence, with what stands in backquotes set as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# --- findings -------------------------------------------------------------------------------------------------------


def _cards(report: RunReport, view: View) -> Iterator[_Card]:
    offers = {_key(offer.fixed.patch.finding, offer.fixed.round): offer.changes for offer in report.offers}
    before = {**view.texts, **{change.path: change.old or "" for change in report.changes}}
    after = {**view.texts, **{change.path: change.new for change in report.changes}}
    for number, row in enumerate(rows(report), 1):
        finding = row.finding
        changes = offers.get(_key(finding, row.fixed.round), ()) if row.fixed is not None else ()
        text = _text(row, changes, after if report.written or row.uncovered else before)
        span = finding.span
        first = text.count("\n", 0, span.start) + 1 if span.cell else span.line
        last = first + text.count("\n", span.start, span.end)
        yield _Card(
            id=f"finding-{number}",
            row=row,
            path=shown(finding.path, view.base),
            place=_place(finding, view),
            code=_short(text[span.start : span.end]),
            now=row.verdict.how if isinstance(row.verdict, Proved) else row.verdict.reason if row.verdict else "",
            sides=tuple(_sides(change, view) for change in sorted(changes, key=lambda change: change.old is None)),
            lines=excerpt(text, first, last) if text and not changes else (),
        )


def _key(finding: Finding, number: int) -> tuple[str, str, int]:
    return finding.rule, finding.fingerprint, number


def _text(row: Row, changes: Sequence[Change], texts: Mapping[Path, str]) -> str:
    """The text that a finding's span counts in; "" where nobody has it any more.

    A fix was found in what it changed. What was taken back was tried on a text that may have been one in between.
    """
    path = row.finding.path
    if row.fixed is not None or row.state is State.TAKEN_BACK:
        return next((change.old or "" for change in changes if change.path == path), "")
    return texts.get(path, "")


def _sides(change: Change, view: View) -> _Sides:
    path = shown(change.path, view.base)
    if change.old is None:
        return _Sides(path, lines=excerpt(change.new, 1, change.new.count("\n") + 1))
    return _Sides(path, blocks=side_by_side(change.old, change.new))


def _place(finding: Finding, view: View) -> str:
    return f"{shown(finding.path, view.base)}:{finding.span}"


def _short(code: str) -> str:
    first, _, rest = code.strip().partition("\n")
    return visible(first[:120] + (" …" if rest or len(first) > 120 else ""))


# --- the whole ------------------------------------------------------------------------------------------------------


def _table(cards: Sequence[_Card]) -> list[tuple[str, list[int]]]:
    """How many of each rule came to what, in the order of the states that occur."""
    counts = Counter((card.row.finding.rule, card.row.state) for card in cards)
    states = [state for state in State if any(state is card.row.state for card in cards)]
    return [(rule, [counts[rule, state] for state in states]) for rule in sorted({rule for rule, _ in counts})]


def _crossing(carrier: Carrier, cards: Sequence[_Card], view: View) -> dict[str, object]:
    """What becomes of a whole object, for the template."""
    verdict = carrier.verdict
    places = {_key(f, 0): _place(f, view) for f in carrier.fixes}
    ids = {_key(card.row.finding, 0): card.id for card in cards if card.row.fixed is not None}
    return {
        "name": f"{carrier.subject.module}.{carrier.subject.cls}",
        "state": "proved" if isinstance(verdict, Proved) else "refuted" if isinstance(verdict, Refuted) else "unproved",
        "before": verdict.before,
        "now": verdict.how if isinstance(verdict, Proved) else verdict.reason,
        "fixes": [(key[0], place, ids.get(key, "")) for key, place in places.items()],
    }
