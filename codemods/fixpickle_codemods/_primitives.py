"""What the rules about locks and their kin share: where one is carried along, and its picklable counterpart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    Subject,
)
from fixpickle.project import Project
from fixpickle.rewrite import require_runtime
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Construction, Facts, Home, Kind

SCOPE = "it excludes threads of one process only: what is pickled arrives with a lock of its own"


def findings(rule: str, targets: Mapping[str, str], project: Project, facts: Facts) -> Iterator[Finding]:
    """A finding for every construction of one of `targets` that an instance or a shipped function carries along."""
    for made in facts.constructions:
        if made.target not in targets:
            continue
        reach = _reach(project, facts, made)
        if reach is None:
            continue
        reason = ""
        if made.guards:
            reason = f"it guards {made.guards}, which other processes reach too: a picklable lock excludes none of them"
        yield Finding(
            rule=rule,
            path=facts.path,
            span=made.span,
            message=f"{made.target} {_where(made)} cannot be pickled",
            reach=reach,
            safety=Safety.MANUAL if reason else Safety.SAFE,
            reason=reason,
        )


def _where(made: Construction) -> str:
    if made.home is Home.INSTANCE:
        return f"in {made.cls}.{made.attribute}"
    return f"in `{made.attribute}`" + (f" of {made.owner}" if made.owner else "")


def _reach(project: Project, facts: Facts, made: Construction) -> Reach | None:
    if made.home is Home.INSTANCE:
        if not project.carries(facts, made.cls):
            return None
        return Reach(Evidence.STATE, (f"stored on self.{made.attribute} of {made.cls} at line {made.line}",))
    if made.home is Home.GLOBAL and made.called:
        return _shipped_global(project, facts, made.attribute)
    if made.home is Home.CLOSURE and made.called:
        return _shipped_closure(project, facts, made)
    return None


def _shipped_global(project: Project, facts: Facts, name: str) -> Reach | None:
    """A module global travels only with functions that are shipped by value, and those of `__main__` are."""
    if not facts.is_script:
        return None
    for user in _readers(facts, name):
        for mention in facts.mentions:
            if mention.name == user:
                for crossing in project.crossings(facts, mention.sinks):
                    if crossing.boundary.by_value:
                        chain = (f"read by {user}, which is shipped by value", *crossing.chain)
                        return Reach(Evidence.BOUNDARY, chain, crossing.boundary.pickler)
    return None


def _readers(facts: Facts, name: str) -> list[str]:
    """The module's definitions that read a global, directly or through one another."""
    wanted, found = {name}, list[str]()
    for _ in facts.statements:
        fresh = [
            d
            for s in facts.statements
            if s.kind == "definition" and wanted & set(s.reads)
            for d in s.binds
            if d not in found
        ]
        if not fresh:
            break
        found += fresh
        wanted |= set(fresh)
    return found


def _shipped_closure(project: Project, facts: Facts, made: Construction) -> Reach | None:
    for definition in facts.definitions:
        if definition.kind is Kind.CLASS or not any(
            c.name == made.attribute and c.owner == made.owner for c in definition.captures
        ):
            continue
        for crossing in project.crossings(facts, definition.sinks):
            if crossing.boundary.by_value:
                chain = (f"captured by {definition.name}, which is shipped by value", *crossing.chain)
                return Reach(Evidence.BOUNDARY, chain, crossing.boundary.pickler)
    return None


def patch(finding: Finding, shop: Workshop, targets: Mapping[str, str]) -> Patch | Refusal:
    """The constructor exchanged for its counterpart of the runtime module."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    made = next(c for c in facts.constructions if c.span == finding.span)
    locks = require_runtime(facts, source, shop.settings, "locks")
    if isinstance(locks, Refusal):
        return locks
    counterpart = targets[made.target]
    shared = {"Lock": "shared_lock", "RLock": "shared_rlock"}.get(counterpart, "")
    if made.home is not Home.INSTANCE:
        if not shared:
            return Refusal(
                finding.path, f"a {counterpart} that travels by value would be a new one in every task", made.line
            )
        counterpart = shared
    code = f"{locks.code}.{counterpart}"
    edit = Edit(finding.path, made.span.start, made.span.end, code)
    after = _exchanged(made, source.text[made.span.start : made.span.end], code)
    return Patch(
        finding=finding,
        edits=(*locks.edits, edit),
        new_files=locks.new_files,
        subjects=_subjects(facts, finding, made, after),
        notes=(SCOPE,),
    )


def _exchanged(made: Construction, callee: str, code: str) -> str:
    return made.code.replace(callee, code, 1) if made.code.startswith(callee) else f"{code}()"


def _subjects(facts: Facts, finding: Finding, made: Construction, after: str) -> tuple[Subject, ...]:
    """What to pickle as proof: the instance, or the function that ships the lock, or what the constructor gives."""
    alone = ByExpression(facts.module, made.code, after, finding.reach.pickler)
    if made.home is Home.INSTANCE and "<locals>" not in made.cls:
        return (ByState(facts.module, made.cls, made.attribute, made.code, after), alone)
    if made.home is Home.GLOBAL:
        shipped = finding.reach.chain[0].removeprefix("read by ").partition(",")[0]
        return (ByValue(facts.module, shipped), alone)
    return (alone,)
