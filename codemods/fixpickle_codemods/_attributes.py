"""What the rules about attributes share: whether instances are pickled, and hooks that leave one attribute out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from fixpickle.layout import layout
from fixpickle.model import ByState, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety, Subject
from fixpickle.project import Project, is_test
from fixpickle.rewrite import Rebuilt, require, state_hooks
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Family, Holding, Layout, ToAttribute, ToCall
from fixpickle_codemods._carried import registered
from fixpickle_codemods._hook_needs import needs_of_hooks
from fixpickle_codemods._setters import other_setters

STAND_IN = "(_ for _ in ())"
"""Makes what no Python can pickle: for hooks that leave an attribute out, whatever it holds."""

_RUNTIME = "_fixpickle_"
_RENEWABLE = frozenset({Family.HANDLE, Family.EXECUTOR, Family.POOL, Family.CONVERSATION, Family.FILE})


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about a holding: hooks that make it anew, or another expression in its place; not both.

    `imports` is the module and name of a function that `rebuilt` calls by that name. `subjects` are what to pickle as
    proof, `notes` what a reviewer must know.
    """

    safety: Safety
    rebuilt: Rebuilt | None = None
    instead: str = ""
    imports: tuple[str, str] | None = None
    subjects: tuple[Subject, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A remedy, or why there is none, and the evidence that is enough without a trace to a boundary."""

    remedy: Remedy | str
    evidence: Evidence


Judge = Callable[[Facts, Holding], "Judged | None"]


def findings(rule: str, judge: Judge, project: Project, facts: Facts) -> Iterator[Finding]:
    """A finding for every holding that `judge` has a word on, with the evidence that instances are pickled."""
    if is_test(facts) or facts.path.name.startswith(_RUNTIME):
        return
    for holding in facts.holdings:
        judged = judge(facts, holding)
        if judged is None or "<locals>" in holding.cls or project.left_out(facts, holding.cls, holding.attribute):
            continue
        if registered(facts, holding.cls):
            continue
        bound = project.process_bound(facts, holding.cls, _renewable(facts, holding))
        remedy = bound or judged.remedy
        reason = remedy if isinstance(remedy, str) else _in_the_way(project, facts, holding, remedy)
        safety = Safety.MANUAL if reason or isinstance(remedy, str) else remedy.safety
        # What pickles on most Pythons is no finding, wherever it goes.
        quiet = bound or holding.family is Family.COUNTER
        traced = None if quiet else _traced(project, facts, holding)
        seen = safety is Safety.SAFE and not project.exposure.inner(facts, holding.cls)
        yield Finding(
            rule=rule,
            path=facts.path,
            span=holding.span,
            message=_said(holding),
            reach=traced or _untraced(holding, judged.evidence if seen else Evidence.ANY),
            safety=safety,
            reason=reason,
        )


def _renewable(facts: Facts, holding: Holding) -> set[str]:
    """What does not tie the class to this process: the attribute itself, and others that can be had again."""
    own = (h for h in facts.holdings if h.cls == holding.cls)
    return {h.attribute for h in own if h.span == holding.span or _again(h)}


def _again(holding: Holding) -> bool:
    made = holding.lazy or (bool(holding.again) and holding.family is not Family.CONVERSATION)
    return made and holding.family in _RENEWABLE


def _said(holding: Holding) -> str:
    kind = f"the {holding.family.value} `{holding.target}`"
    return f"{kind} in {holding.cls}.{holding.attribute} cannot be pickled"


def _traced(project: Project, facts: Facts, holding: Holding) -> Reach | None:
    """What shows that instances are pickled: they reach a boundary, or hooks copy the attribute along."""
    # A process that is handed `self` does not run yet: `self.process = Process(target=self.work)`.
    own = holding.span.line if f"{holding.target}()" in project.catalogue.inherited_values else 0
    sinks = [s for s in holding.shipped if not (isinstance(s, ToCall) and s.line == own)]
    for crossing in (
        *project.crossings(facts, sinks),
        *project.shipped(facts, f"{facts.module}.{holding.cls}", but_for=own),
    ):
        boundary = crossing.boundary
        return Reach(Evidence.BOUNDARY, (f"an instance of {holding.cls}", *crossing.chain), boundary.pickler)
    for owner in {s.cls for s in holding.shipped if isinstance(s, ToAttribute) and s.cls != holding.cls}:
        for other in (o for o in facts.holdings if o.cls == owner):
            for crossing in project.crossings(facts, other.shipped):
                return Reach(Evidence.BOUNDARY, (f"kept by {owner}", *crossing.chain), crossing.boundary.pickler)
    for _, found in project.lineage(facts, holding.cls):
        if found is not None and found.state is not None and found.state.makes:
            return Reach(Evidence.STATE, (f"{found.name}.__getstate__ copies it along with the rest",))
    return None


def _untraced(holding: Holding, evidence: Evidence) -> Reach:
    """The word of the class alone, that of a remedy which can do harm or of none is not enough for a finding."""
    return Reach(evidence, (f"kept in self.{holding.attribute} of {holding.cls} from line {holding.span.line}",))


def _in_the_way(project: Project, facts: Facts, holding: Holding, remedy: Remedy) -> str:
    if keyed := project.keyed_by_id(facts, holding.cls):
        return keyed
    if remedy.rebuilt is None:
        return ""
    if holding.copied:
        return f"{holding.cls} copies its instances with copy.copy, and copies share the attribute now"
    found = layout(project, facts, holding.cls)
    return found if isinstance(found, str) else "" if holding.lazy else _without(project, facts, holding)


def _without(project: Project, facts: Facts, holding: Holding) -> str:
    """A subclass whose instances never get the attribute: hooks that ask for it would make them unpicklable."""
    for _, cls in project.heirs(facts, holding.cls):
        if cls.apart and cls.name != holding.cls:
            return f"its subclass {cls.name} does not call its constructor, and has no such attribute"
    return ""


# --- the change -----------------------------------------------------------------------------------------------------


def patch(finding: Finding, shop: Workshop, judge: Judge) -> Patch | Refusal:
    """The remedy of a finding, carried out."""
    facts, source = shop.facts[finding.path], shop.sources[finding.path]
    holding = next(h for h in facts.holdings if h.span == finding.span and _said(h) == finding.message)
    judged = judge(facts, holding)
    if judged is None or isinstance(judged.remedy, str):
        return Refusal(finding.path, "its reason changed while it was being fixed", finding.span.line)
    remedy = judged.remedy
    if remedy.rebuilt is None:
        return _instead(finding, shop, holding, remedy)
    if not holding.lazy and (where := _set_elsewhere(shop, facts, holding)):
        return Refusal(finding.path, f"{where} may set .{holding.attribute} to something else, which hooks would undo")
    found = layout(shop.project, facts, holding.cls)
    if not isinstance(found, Layout):
        return Refusal(finding.path, found, finding.span.line)
    rebuilt, added = remedy.rebuilt, tuple[Edit, ...]()
    if remedy.imports is not None:
        imported = require(facts, source, *remedy.imports)
        rebuilt = replace(rebuilt, code=imported.code + rebuilt.code[len(remedy.imports[1]) :])
        added = imported.edits
    edits = state_hooks(source, holding.cls, found, [rebuilt])
    if isinstance(edits, Refusal):
        return edits
    needs = needs_of_hooks(shop.project, source, facts, holding.cls, holding.attribute)
    subjects = tuple(_held_too(subject, needs) for subject in remedy.subjects)
    return Patch(finding, (*added, *edits), subjects=subjects, notes=remedy.notes)


def _held_too(subject: Subject, needs: tuple[tuple[str, str], ...]) -> Subject:
    """The subject, with what the hooks need that the class has already."""
    return replace(subject, holds=(*needs, *subject.holds)) if isinstance(subject, ByState) else subject


def _instead(finding: Finding, shop: Workshop, holding: Holding, remedy: Remedy) -> Patch | Refusal:
    """Another expression in the place of the assigned one."""
    if where := _elsewhere(shop, holding):
        return Refusal(finding.path, f"{where} may use .{holding.attribute} in a way that a list does not allow")
    edit = Edit(finding.path, finding.span.start, finding.span.end, remedy.instead)
    return Patch(finding, (edit,), subjects=remedy.subjects, notes=remedy.notes)


def _set_elsewhere(shop: Workshop, facts: Facts, holding: Holding) -> str:
    """A class of the family that sets the attribute as well, or a place that sets it from outside of any class."""
    wanted = re.compile(rf"(?<!\bself)\.{re.escape(holding.attribute)}\s*=(?!=)")
    setters = other_setters(shop, facts, holding.cls, holding.attribute)
    return next(setters, "") or _first(shop, holding.attribute, wanted)


def _elsewhere(shop: Workshop, holding: Holding) -> str:
    """A place outside the class' own methods that names the attribute, in any file of the project."""
    return _first(shop, holding.attribute, re.compile(rf"(?<!\bself)\.{re.escape(holding.attribute)}\b(?!\s*\()"))


def _first(shop: Workshop, attribute: str, wanted: re.Pattern[str]) -> str:
    """The first place in the project that matches, as file and line."""
    for path, source in shop.sources.items():
        if attribute in source.text and (found := wanted.search(source.text)):
            return f"{path.name}:{source.text.count(chr(10), 0, found.start()) + 1}"
    return ""
