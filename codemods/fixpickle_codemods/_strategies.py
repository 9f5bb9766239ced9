"""What else can become of a lock than its counterpart: left out and made anew, one that reaches further, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fixpickle.model import ByState, Edit, Patch, Refusal, Safety, Strategy
from fixpickle.project import Project
from fixpickle.rewrite import line_end, line_start, require_runtime
from fixpickle.survey.constructions import PRIMITIVES
from fixpickle.survey.facts import Construction, Facts, Home
from fixpickle_codemods._case import CONSTRUCTORS, Case
from fixpickle_codemods._leaving_out import left_out
from fixpickle_codemods._removal import removed

_LOCAL = "<locals>"
_PARTS = {Strategy.FILE: "filelocks", Strategy.RAY: "raylocks"}
_COUNTERPARTS = {
    (Strategy.FILE, "Lock"): "file_lock",
    (Strategy.FILE, "RLock"): "file_rlock",
    (Strategy.RAY, "Lock"): "ray_lock",
    (Strategy.RAY, "RLock"): "ray_rlock",
}
_NOTES = {
    Strategy.FILE: "it excludes the processes of one user on one host, through a file in the temporary directory; "
    "it needs the package filelock, 3.12 or later: add it to your dependencies",
    Strategy.RAY: "it excludes the whole Ray cluster; acquiring and releasing takes milliseconds, and needs ray.init",
}
# What of a primitive the other process does not see when it is made anew there.
_LOST = {
    "Event": "its flag stays behind: it arrives unset",
    "Semaphore": "its counter stays behind: it arrives as it was made",
    **dict.fromkeys(("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"), "its items stay behind: it arrives empty"),
}


def excludes_processes(strategy: Strategy | str) -> bool:
    """Whether what is put in the place of the lock keeps other processes out."""
    return strategy in _PARTS


def exchanges(strategy: Strategy | str) -> bool:
    """Whether something of another type comes in the place of the lock, which a test of its type would notice."""
    return strategy is Strategy.FACTORY or strategy in _PARTS


def safety_of(strategy: Strategy | str, kind: str) -> Safety:
    """What can go wrong: without a lock nobody is kept out, and a primitive made anew forgets what it held."""
    forgets = strategy is Strategy.STATE_HOOKS and kind in _LOST
    return Safety.UNSAFE if strategy is Strategy.REMOVE or forgets else Safety.SAFE


# --- why it cannot serve --------------------------------------------------------------------------------------------


def objection(strategy: Strategy | str, project: Project, facts: Facts, made: Construction, kind: str) -> str:
    """Why the strategy chosen for a finding cannot serve it, as far as facts tell; empty where it may."""
    if not isinstance(strategy, Strategy):
        return f"its comment chooses a strategy that there is not: {strategy}"
    match strategy:
        case Strategy.FACTORY:
            return ""
        case Strategy.STATE_HOOKS:
            return _no_hooks(project, facts, made)
        case Strategy.REMOVE:
            return "" if kind in ("Lock", "RLock") else f"{kind} does more than keep others out: it cannot be removed"
        case Strategy.FILE | Strategy.RAY:
            return _not_across(strategy, made, kind)


def _no_hooks(project: Project, facts: Facts, made: Construction) -> str:
    if made.home is not Home.INSTANCE:
        return "state hooks leave out what instances keep, and it is not kept on one"
    if _LOCAL in made.cls:
        return f"{made.cls} stands in a function: its hooks would have to be found there"
    for base in _waiting_bases(project, facts, made.cls):
        return f"{base}, which {made.cls} inherits from, keeps a lock that needs state hooks first"
    return ""


def _waiting_bases(project: Project, facts: Facts, cls: str) -> Iterator[str]:
    """The ancestors that are to get state hooks and have none for it yet: those written first would not call theirs."""
    ancestors = {symbol for symbol, _ in list(project.lineage(facts, cls))[1:]}
    for other in project.files if ancestors else ():
        for made in other.constructions:
            ours = made.home is Home.INSTANCE and made.target in PRIMITIVES
            if not ours or f"{other.module}.{made.cls}" not in ancestors:
                continue
            chosen = project.strategy_at(other, made.line) is Strategy.STATE_HOOKS
            if chosen and not project.hooked(other, made.cls, made.attribute):
                yield made.cls


def _not_across(strategy: Strategy, made: Construction, kind: str) -> str:
    if (strategy, kind) not in _COUNTERPARTS:
        return f"there is no {kind} that reaches across processes by the strategy {strategy.value}"
    maker = made.owner.rpartition(".")[2]
    if not made.called and made.owner:
        return "it is made when a key is first asked for: every process would make another one"
    if made.home is Home.INSTANCE and made.called and made.owner and maker not in CONSTRUCTORS:
        return f"it is made in {made.owner}, perhaps after a copy has left, which would make another one"
    return ""


# --- the exchange ---------------------------------------------------------------------------------------------------


def patch_by(strategy: Strategy, case: Case) -> Patch | Refusal:
    """The change that the strategy makes for one finding."""
    match strategy:
        case Strategy.STATE_HOOKS:
            lost = _LOST.get(case.kind)
            return left_out(replace(case, notes=(*case.notes, lost) if lost else case.notes))
        case Strategy.REMOVE:
            return removed(case)
    return _across(strategy, case)


def _across(strategy: Strategy, case: Case) -> Patch | Refusal:
    """The constructor exchanged for that of a lock which other processes meet under the same name."""
    made, text = case.made, case.source.text
    name = _name(case)
    if name is None:
        reason = "it serves several tasks or instances, and has no name by which each process would find the same one"
        return Refusal(case.finding.path, reason)
    if built := _condition_on(case):
        return Refusal(case.finding.path, f"{built} is built on it, and is notified by its own process only")
    module = require_runtime(case.facts, case.source, case.shop.settings, _PARTS[strategy])
    if isinstance(module, Refusal):
        return module
    callee = f"{module.code}.{_COUNTERPARTS[strategy, case.kind]}"
    end = text.index(")", made.span.end) + 1 if name else made.span.end
    edit = Edit(case.finding.path, made.span.start, end, callee + (f'("{name}")' if name else ""))
    # As proof it is not acquired as well: that would need a cluster, or a package that is not a dependency yet.
    subjects = tuple(replace(s, attribute="") if isinstance(s, ByState) else s for s in case.subjects(callee))
    notes = (_NOTES[strategy],)
    return Patch(case.finding, (*module.edits, edit), module.new_files, subjects, notes)


def _name(case: Case) -> str | None:
    """The name by which every process finds the same lock: empty where it carries its own, None where it has none."""
    made, text = case.made, case.source.text
    own = made.home is Home.CLOSURE or (made.home is Home.INSTANCE and bool(made.owner or not made.called))
    if own:
        return ""
    start, end = line_start(text, made.span.start), line_end(text, made.span.end)
    before = re.fullmatch(r"\s*(\w+)\s*(:[^=]*)?=\s*", text[start : made.span.start])
    after = re.fullmatch(r"\(\s*\)\s*(#.*)?\s*", text[made.span.end : end])
    if before is None or after is None:
        return None
    owner = f"{made.cls}." if made.home is Home.GLOBAL and made.cls else ""
    return f"{case.facts.module}.{owner}{before[1]}"


def _condition_on(case: Case) -> str:
    """The Condition that the file builds on the lock, as it is written there."""
    name = case.made.attribute
    found = re.search(rf"\b(\w+\.)?Condition\(\s*(self\.|cls\.)?{re.escape(name)}\b[^()]*\)", case.source.text)
    own = (case.made.cls, name, case.made.owner)
    conditions = [c for c in case.facts.constructions if c.target == "threading.Condition"]
    inline = any((c.cls, c.attribute, c.owner) == own for c in conditions)
    return found.group() if found else "a Condition" if inline else ""
