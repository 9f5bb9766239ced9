"""What the rules about locks and their kin share: why one cannot be exchanged, and its picklable counterpart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from fixpickle.model import (
    ByExpression,
    ByState,
    ByValue,
    Edit,
    Evidence,
    Finding,
    Patch,
    Reach,
    Refusal,
    Safety,
    Source,
    Strategy,
    Subject,
    Trainable,
)
from fixpickle.project import Crossing, Project
from fixpickle.rewrite import namespaced, require_runtime
from fixpickle.rule import Workshop
from fixpickle.survey.constructions import LOCK_TYPE
from fixpickle.survey.facts import Construction, Facts, Home
from fixpickle_codemods._carried import for_trials, keepers, left_alone, reach_of, sent
from fixpickle_codemods._case import Case
from fixpickle_codemods._strategies import exchanges, excludes_processes, objection, patch_by, safety_of
from fixpickle_codemods._top_statements import within

_SCOPE = "it excludes threads of one process only: what is pickled arrives with a lock of its own"
_TRIALS = (
    "a trial is a process of its own, so it excludes nobody in another trial: the strategies file and ray do; "
    "a lock that only threads of one trial share can also be made inside the trainable"
)
_SCOPES = {
    "Event": "what is pickled arrives with an event of its own: to set it there wakes nobody here",
    "Barrier": "what is pickled arrives with a barrier of its own: who waits there waits for nobody here",
    "local": "it arrives empty",
    **dict.fromkeys(
        ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"),
        "what is pickled arrives with a queue of its own: what is put there is not seen here",
    ),
}
_PLAIN = {"Barrier": "(2)", "cycle": "([1, 2])", "repeat": "(None)"}
"""Arguments that do, for those that cannot do without."""

_SHARED = {"Lock": "shared_lock", "RLock": "shared_rlock"}
_LOCAL = "<locals>"
_RUNTIME = "_fixpickle_"  # our own copies: they know what they keep


def findings(rule: str, targets: Mapping[str, str], project: Project, facts: Facts) -> Iterator[Finding]:
    """A finding for every construction of one of `targets` that an instance or a shipped function carries along."""
    for made in facts.constructions:
        if made.target not in targets or facts.path.name.startswith(_RUNTIME):
            continue
        reach = reach_of(project, facts, made)
        alone = left_alone(project, facts, made) if reach is None or reach.carrier else ""
        if alone and (reach is None or reach.evidence is Evidence.STATE):
            reach = Reach(Evidence.ANY, (f"stored on self.{made.attribute} of {made.cls} at line {made.line}",))
        if reach is None:
            reach = project.failed(facts, made.span)
        if reach is None:
            continue
        reason = alone or _reason(project, facts, made, targets[made.target])
        yield Finding(
            rule=rule,
            path=facts.path,
            span=made.span,
            message=f"{made.target} {where(made)} cannot be pickled",
            reach=reach,
            safety=Safety.MANUAL if reason else safety_of(project.strategy_at(facts, made.line), targets[made.target]),
            reason=reason,
        )


def where(made: Construction) -> str:
    """The words for what keeps the value of a construction."""
    if made.home is Home.BASE:
        return f"as {made.cls} inherits from it"
    if made.cls:
        return f"in {made.cls}.{made.attribute}"
    if not made.attribute:
        return f"made in {made.owner}" if made.owner else "made in the module"
    return f"in `{made.attribute}`" + (f" of {made.owner}" if made.owner else "")


# --- why it cannot be exchanged -------------------------------------------------------------------------------------


def _reason(project: Project, facts: Facts, made: Construction, counterpart: str) -> str:
    crossing = sent(project, facts, made)
    if crossing is not None and (made.home is Home.OTHER or not crossing.boundary.of_result):
        return _across(crossing, counterpart)
    if made.cached and made.home is Home.OTHER:
        return f"{made.owner} is decorated, and may give the same {counterpart} to several callers"
    strategy = project.strategy_at(facts, made.line)
    if reason := objection(strategy, project, facts, made, counterpart):
        return reason
    held = (project.guarded(k.facts, k.cls, k.attribute) for k in keepers(project, facts, made))
    guards = made.guards or next(filter(None, held), "")
    if guards and not excludes_processes(strategy):
        words = "a picklable lock excludes none of them; the strategies file and ray do"
        return f"it guards {guards}, which other processes reach too: {words}"
    if not exchanges(strategy):
        return ""
    if _shared(made) and counterpart not in _SHARED:
        return f"one {counterpart} serves several tasks or instances, and would arrive as one for each of them"
    if counterpart == "Lock" and (tested := _tested(project, facts)):
        return f"the type of a lock is tested for at {tested}, and a counterpart of Lock is of another"
    return patched(project, facts, made)


def _across(crossing: Crossing, counterpart: str) -> str:
    """What reaches across processes in its place. A Ray worker does not take the proxies of a manager."""
    if crossing.boundary.of_result:
        return "it is made for what is pickled: leave it out there, and make it where that is loaded"
    if counterpart == "local":
        return "what is handed to another process arrives empty: make it in the task"
    if crossing.boundary.name.startswith("ray."):
        return f"handed to another process, the {counterpart} would reach nobody in this one: use a named Ray actor"
    kind = "Queue" if counterpart.endswith("Queue") else counterpart
    use = f"use multiprocessing.Manager().{kind}()"
    return f"handed to another process, the {counterpart} would reach nobody in this one: {use}"


def _shared(made: Construction) -> bool:
    """Whether one object serves several tasks or instances: it is not made where each of these is made."""
    if made.home in (Home.GLOBAL, Home.CLOSURE):
        return True
    return made.called and not made.owner


def _tested(project: Project, facts: Facts) -> str:
    """Where the file's own top-level package or script looks at the type of a lock."""
    top = facts.module.partition(".")[0]
    for other, reference in project.references.get(LOCK_TYPE.rpartition(".")[2], ()):
        own = other.module.partition(".")[0] == top and not other.path.name.startswith(_RUNTIME)
        if own and reference.symbol == LOCK_TYPE:
            return f"{other.path.name}:{reference.span.line}"
    return ""


def patched(project: Project, facts: Facts, made: Construction) -> str:
    """Why another constructor would not do: a string names this one, as in `patch("package.module.Lock")`; or ""."""
    callee = made.code.partition("(")[0]
    for name in dict.fromkeys((callee, callee.partition(".")[0])):
        for other, reference in project.references.get(name.rpartition(".")[2], ()):
            if f".{reference.symbol}".endswith(f".{facts.module}.{name}"):
                place = f"{other.path.name}:{reference.span.line}"
                return f"{place} replaces it by name, and would no longer reach it"
    return ""


# --- the exchange ---------------------------------------------------------------------------------------------------


def patch(finding: Finding, shop: Workshop, targets: Mapping[str, str]) -> Patch | Refusal:
    """The constructor exchanged for its counterpart of the runtime module."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    made = next(c for c in facts.constructions if c.span == finding.span)
    strategy = shop.project.strategy_at(facts, made.line)
    if isinstance(strategy, Strategy) and strategy is not Strategy.FACTORY:
        kind = targets[made.target]
        proof = partial(subjects, facts, finding, made, counterpart=kind)
        return patch_by(strategy, Case(finding, shop, facts, source, made, kind, (_SCOPES.get(kind, _SCOPE),), proof))
    if refusal := namespaced(facts, shop.project.files, shop.settings):
        return refusal
    locks = require_runtime(facts, source, shop.settings, "locks")
    if isinstance(locks, Refusal):
        return locks
    counterpart = targets[made.target]
    callee = f"{locks.code}.{_SHARED[counterpart] if _shared(made) else counterpart}"
    name = _name(facts, source, made)
    end = made.span.end if not name else source.text.index(")", made.span.end) + 1
    edit = Edit(finding.path, made.span.start, end, callee + (f'("{name}")' if name else ""))
    return Patch(
        finding=finding,
        edits=(*locks.edits, edit),
        new_files=locks.new_files,
        subjects=(
            subjects(facts, finding, made, callee, counterpart)
            if made.home is not Home.BASE
            else tuple(_of_subclass(shop.project, facts, made))
        ),
        notes=tuple(_notes(finding, counterpart)),
    )


def _notes(finding: Finding, counterpart: str) -> Iterator[str]:
    yield _SCOPES.get(counterpart, _SCOPE)
    if counterpart in _SHARED and for_trials(finding.reach):
        yield _TRIALS


def _name(facts: Facts, source: Source, made: Construction) -> str:
    """The name of a module's own lock that instances keep: theirs and the module's are then one in every process."""
    statement = next((s for s in facts.statements if within(made.span.start, s)), None)
    if statement is None or made.home is not Home.INSTANCE or not _shared(made) or statement.kind != "assignment":
        return ""
    direct = re.fullmatch(r"(\w+)\s*(:[^=]*)?=\s*", source.text[statement.span.start : made.span.start])
    bare = re.fullmatch(r"\(\s*\)", source.text[made.span.end : statement.span.end])
    return f"{facts.module}.{direct[1]}" if direct and bare else ""


def subjects(facts: Facts, finding: Finding, made: Construction, code: str, counterpart: str) -> tuple[Subject, ...]:
    """What to pickle as proof: the instance, or what ships the lock, or what the constructor gives."""
    callee, _, arguments = made.code.partition("(")
    before, after = made.code, f"{code}({arguments}"
    pickler = finding.reach.pickler
    # The written arguments may be names of the function around them: then the kind alone is what can be tried.
    plain = _PLAIN.get(counterpart, "()")
    alone = (
        ByExpression(facts.module, before, after, pickler),
        ByExpression(facts.module, f"{callee}{plain}", f"{code}{plain}", pickler),
    )
    if made.home is Home.INSTANCE and made.cls and _LOCAL not in made.cls:
        return (ByState(facts.module, made.cls, made.attribute, before, after), *dict.fromkeys(alone))
    if made.home is Home.GLOBAL:
        shipped = finding.reach.chain[0].removeprefix("read by ").partition(",")[0]
        tuned = (Trainable(facts.module, shipped, facts.path),) if for_trials(finding.reach) else ()
        return (*tuned, ByValue(facts.module, shipped), *dict.fromkeys(alone))
    return tuple(dict.fromkeys(alone))


def _of_subclass(project: Project, facts: Facts, made: Construction) -> Iterator[Subject]:
    """What keeps an instance of the class, and an instance that is made without arguments."""
    for owner, kept in project.keepers.of_instances(facts, made.cls):
        yield ByState(owner.module, kept.cls, kept.attribute, made.code, made.code)
    yield ByExpression(facts.module, made.code, made.code)
