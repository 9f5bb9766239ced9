"""What the rules about attributes share: whether instances are pickled, and hooks that leave one attribute out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from fixpickle.layout import layout
from fixpickle.model import ByState, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety, Subject
from fixpickle.project import Project, is_test
from fixpickle.rewrite import ByName, Imported, Rebuilt, namespaced, require, require_runtime, state_hooks
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Family, Holding, Layout, ToAttribute, ToCall, changed
from fixpickle_codemods._carried import registered
from fixpickle_codemods._hook_needs import needs_of_hooks
from fixpickle_codemods._releases import pickles_less
from fixpickle_codemods._setters import other_setters

STAND_IN = "(_ for _ in ())"
"""Makes what no Python can pickle: for hooks that leave an attribute out, whatever it holds."""

NAMED = frozenset({Family.MODULE, Family.STREAM, Family.MEMO})
"""What is had again by its name, or by the function that it is of: hooks can tell by the value that they meet."""

_RUNTIME = "_fixpickle_"
_SLOTS = "it may hold what can be pickled, and older pickles of its slots could not be loaded by hooks"
_PICKLED_ONCE = frozenset({Family.ITERTOOLS, Family.FRAMES})
_RENEWABLE = frozenset({Family.HANDLE, Family.EXECUTOR, Family.POOL, Family.CONVERSATION, Family.FILE})


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about a holding: hooks that make it anew, or another expression in its place; not both.

    Hooks that pickle by name do so by the value they meet, so they may serve attributes that hold something else.
    `imports` is the module and name of a function that `rebuilt` calls by that name. `subjects` are what to pickle as
    proof, `notes` what a reviewer must know.
    """

    safety: Safety
    rebuilt: Rebuilt | ByName | None = None
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
    served = set[tuple[str, str]]()
    for holding in facts.holdings:
        kept = holding.cls, holding.attribute
        found = _finding(rule, judge, project, facts, holding) if kept not in served else None
        if found is None or _served_above(found, judge, project, facts, holding):
            continue
        if holding.family in NAMED and not found.reason:
            served.add(kept)  # its hooks look at the value, whichever expression gave it
        yield found


def _finding(rule: str, judge: Judge, project: Project, facts: Facts, holding: Holding) -> Finding | None:
    judged = judge(facts, holding)
    if judged is None or "<locals>" in holding.cls or project.left_out(facts, holding.cls, holding.attribute):
        return None
    if registered(facts, holding.cls) or not (holding.sure or project.is_module(holding.target)):
        return None
    if holding.family in NAMED and _named_already(project, facts, holding):
        return None
    bound = project.process_bound(facts, holding.cls, _renewable(facts, holding))
    remedy = bound or judged.remedy
    reason = remedy if isinstance(remedy, str) else _in_the_way(project, facts, holding, remedy)
    safety = Safety.MANUAL if reason or isinstance(remedy, str) else remedy.safety
    # What pickles on the project's Pythons is no finding, wherever it goes; nor what may be something else and stays.
    pickles = holding.family in _PICKLED_ONCE and not pickles_less(project, facts)
    quiet = bound or pickles or (holding.chosen and reason)
    traced = None if quiet else _traced(project, facts, holding)
    seen = safety is Safety.SAFE and not project.exposure.inner(facts, holding.cls)
    return Finding(
        rule=rule,
        path=facts.path,
        span=holding.span,
        message=_said(holding),
        reach=traced or _untraced(holding, judged.evidence if seen else Evidence.ANY),
        safety=safety,
        reason=reason,
    )


def _named_already(project: Project, facts: Facts, holding: Holding) -> bool:
    """Whether hooks look at the attribute's value already, or it is a property, which keeps it under another name."""
    above = (cls for _, cls in project.lineage(facts, holding.cls) if cls is not None)
    kept = any(holding.attribute in cls.properties for cls in above)
    return kept or project.by_name(facts, holding.cls, holding.attribute)


def _served_above(found: Finding, judge: Judge, project: Project, facts: Facts, holding: Holding) -> bool:
    """Whether hooks of a class above, which are found to be needed there, pickle the same attribute by name."""
    if holding.family not in NAMED:
        return False
    for other, cls in project.ancestors(facts, holding.cls):
        for one in (h for h in other.holdings if (h.cls, h.attribute) == (cls.name, holding.attribute)):
            above = _finding(found.rule, judge, project, other, one) if one.family in NAMED else None
            if above is not None and not above.reason and found.reach.evidence.admits(above.reach.evidence):
                return True
    return False


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
    found = layout(project, facts, holding.cls)
    if isinstance(found, str):
        return found
    if isinstance(remedy.rebuilt, ByName):
        return _SLOTS if found.slots else ""
    other = holding.family in NAMED and not found.slots  # hooks that look at the value will do
    return "" if other else _shared(holding) or _without(project, facts, holding)


def _shared(holding: Holding) -> str:
    copies = f"{holding.cls} copies its instances with copy.copy, and copies share the attribute now"
    return copies if holding.copied else ""


def _without(project: Project, facts: Facts, holding: Holding) -> str:
    """A subclass whose instances never get the attribute: hooks that ask for it would make them unpicklable."""
    if holding.lazy:
        return ""
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
    found = layout(shop.project, facts, holding.cls)
    if not isinstance(found, Layout):
        return Refusal(finding.path, found, finding.span.line)
    ready = _ready(shop, facts, holding, remedy, found)
    if isinstance(ready, Refusal):
        return ready
    kept, imported = ready
    first = _first_above(finding, shop, judge, holding)
    if first is not None:
        takes = found.base_takes or any("def __setstate__" in edit.text for edit in first.edits)
        found = changed(found, base_makes=True, base_takes=takes)
    edits = state_hooks(source, holding.cls, found, [kept])
    if isinstance(edits, Refusal):
        return edits
    needs = needs_of_hooks(shop.project, source, facts, holding.cls, holding.attribute)
    own = tuple(_held_too(subject, needs) for subject in remedy.subjects)
    patch = Patch(finding, (*imported.edits, *edits), imported.new_files, own, remedy.notes)
    return patch if first is None else _with(patch, first)


def _first_above(finding: Finding, shop: Workshop, judge: Judge, holding: Holding) -> Patch | None:
    """The hooks that a class above still lacks: those of this class, written without them, would pass over them."""
    settings = shop.settings
    for facts, cls in shop.project.ancestors(shop.facts[finding.path], holding.cls):
        for one in (h for h in facts.holdings if h.cls == cls.name):
            above = _finding(finding.rule, judge, shop.project, facts, one)
            if above is None or above.reason or settings.bars(above) or not settings.reach.admits(above.reach.evidence):
                continue
            made = patch(above, shop, judge)
            if isinstance(made, Patch) and any("def __getstate__" in edit.text for edit in made.edits):
                return made
    return None


def _with(patch: Patch, first: Patch) -> Patch:
    """Both changes as one: edits that are the same are made once."""
    edits = (*patch.edits, *(e for e in first.edits if e not in patch.edits))
    files = (*patch.new_files, *(n for n in first.new_files if n not in patch.new_files))
    return replace(patch, edits=edits, new_files=files, subjects=(*patch.subjects, *first.subjects))


def _ready(
    shop: Workshop, facts: Facts, holding: Holding, remedy: Remedy, found: Layout
) -> tuple[Rebuilt | ByName, Imported] | Refusal:
    """What the hooks do, as the file writes it, and what it imports for that."""
    kept, source = remedy.rebuilt, shop.sources[facts.path]
    assert kept is not None
    if isinstance(kept, Rebuilt) and (why := _unsure(shop, facts, holding)):
        if holding.family not in NAMED or found.slots:
            return Refusal(facts.path, why, holding.span.line)
        kept = ByName(holding.attribute)
    if isinstance(kept, Rebuilt):
        if remedy.imports is None:
            return kept, Imported("")
        imported = require(facts, source, *remedy.imports)
        return replace(kept, code=imported.code + kept.code[len(remedy.imports[1]) :]), imported
    if refusal := namespaced(facts, shop.project.files, shop.settings):
        return refusal
    runtime = require_runtime(facts, source, shop.settings, "names")
    return runtime if isinstance(runtime, Refusal) else (replace(kept, runtime=runtime.code), runtime)


def _unsure(shop: Workshop, facts: Facts, holding: Holding) -> str:
    """Why hooks must not make it anew whatever an instance has there, or an empty string."""
    where = "" if holding.lazy else _set_elsewhere(shop, facts, holding)
    elsewhere = f"{where} may set .{holding.attribute} to something else, which hooks would undo" if where else ""
    return elsewhere or _shared(holding) or _without(shop.project, facts, holding)


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
