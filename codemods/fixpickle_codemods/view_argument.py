"""# view-argument

A view of a dictionary, or a generator or another one-shot iterator, among the arguments of a task or in what a task
returns:

    TypeError: cannot pickle 'dict_values' object
    TypeError: cannot pickle 'generator' object

## What it becomes

A list of what the view shows, made where it is handed over:

    pool.apply_async(total, (prices.values(),))
    pool.apply_async(total, (list(prices.values()),))

That is done for `values()`, which can be little but gone through. For `keys()` and `items()`, which are sets too, and
for processes, which get the view as it is where they are forked, it is done where the function that gets it is seen,
and only goes through it, counts it or hands it to `sorted` and the like.

## What it leaves alone

`pool.map(f, prices.values())`, `executor.map(f, (x for x in rows))`, `Process(args=...)` given a generator itself: the
iterable is gone through here, and its items are pickled. Views handed to Ray, Dask, loky or dill, which take them.
`.keys()`, `.values()` and `.items()` of what is not sure to be a `dict`. `map`, `filter`, `zip`, `enumerate`,
`reversed` and `iter(...)` pickle, with what they are made from, and up to Python 3.13 so do iterators of `itertools`:
these are named where the project is for 3.14. What goes through functions of the project first, which may make a list
of it. Arguments of joblib's `delayed`. Tests. What instances keep: see
[view-attribute](view-attribute.md).

## When it refuses

A generator or another one-shot iterator: a list in its place would take every item at once, here and not in the task,
which may never end, or do what it should do later. A view in a partial or a process that is kept first: it shows what
changes until it is called or started. What a task returns, since others may call it too. A view of which
the function that gets it makes something else than a walk through it, or is not seen. Where `list` is another thing
in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import ByExpression, Edit, Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Crossing, Project, is_test
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts, Family, Handover, ToCall, ToReturn
from fixpickle_codemods._releases import consulted, pickles_less
from fixpickle_codemods._view_uses import PLAIN_USES

_AT_ONCE = "a list in its place would take every item at once, and may never end: hand over what it is made from"
_GIVEN_BACK = "others may call it too: return a list, where that ends and nobody needs the items one by one"
_LIVE = "others may call it too, and use what they get as a view: return a list, where they only go through it"
_LATER = (
    "it is kept until it crosses, and shows what changes until then, as a list would not: make the list when it does"
)
_AS_SET = "it may be used as a set, or compared, which a list does not allow"


class ViewArgument:
    """A view or a one-shot iterator that a task is handed, or gives back."""

    name = "view-argument"
    summary = "a dictionary view or generator that a task is handed or returns cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every place of the file at which one crosses."""
        for handover in () if is_test(facts) else facts.handovers:
            if handover.family is Family.ITERTOOLS and not pickles_less(project, facts):
                continue
            crossing = _crossing(project, facts, handover)
            if crossing is None:
                continue
            reason = _reason(handover, crossing)
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=handover.span,
                message=_said(handover),
                reach=Reach(Evidence.BOUNDARY, crossing.chain, crossing.boundary.pickler),
                safety=Safety.MANUAL if reason else self.safety,
                reason=reason,
            )

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """Where a project says which Python it is for, for a file that hands over an iterator of itertools."""
        if any(handover.family is Family.ITERTOOLS for handover in facts.handovers):
            yield from consulted(facts.root)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """A list of what the view shows."""
        facts = shop.facts[finding.path]
        handover = next(h for h in facts.handovers if h.span == finding.span)
        edit = Edit(finding.path, finding.span.start, finding.span.end, f"list({handover.code})")
        alone = f"{{}}.{handover.target.removeprefix('dict.')}()"
        return Patch(finding, (edit,), subjects=(ByExpression(facts.module, alone, f"list({alone})"),))


def _said(handover: Handover) -> str:
    returned = next((s.function for s in handover.sinks if isinstance(s, ToReturn)), "")
    if handover.target == "generator function":
        return f"the generator that `{returned}` gives back cannot be pickled"
    kind = f"the {handover.family.value} `{handover.target}`"
    return f"{kind} {f'that `{returned}` gives back' if returned else 'among the arguments'} cannot be pickled"


def _crossing(project: Project, facts: Facts, handover: Handover) -> Crossing | None:
    """The boundary that it crosses as it is, and whose pickler does not take it."""
    for sink in handover.sinks:
        for crossing in project.crossings(facts, [sink]) if isinstance(sink, ToCall) else ():
            taken = crossing.boundary.whole or not handover.whole
            if len(crossing.chain) == 1 and taken and not _takes(handover, crossing):
                return crossing
        if isinstance(sink, ToReturn) and (found := _answer(project, facts, handover, sink)) is not None:
            return found
    return None


def _answer(project: Project, facts: Facts, handover: Handover, sink: ToReturn) -> Crossing | None:
    """The boundary on whose way back the result of a function of the file is pickled."""
    for mention in (m for m in facts.mentions if m.name == sink.function):
        for handed in (s for s in mention.sinks if isinstance(s, ToCall)):
            for crossing in project.crossings(facts, [handed]):
                near = len(crossing.chain) == 1 and crossing.boundary.runs(handed.position, handed.keyword)
                if near and crossing.boundary.answers and not _takes(handover, crossing):
                    return Crossing(crossing.boundary, (f"returned by {sink.function}", *crossing.chain))
    return None


def _takes(handover: Handover, crossing: Crossing) -> bool:
    """Whether the pickler takes it: cloudpickle and dill do views, and none does generators."""
    return handover.family is Family.VIEW and crossing.boundary.pickler != "pickle"


def _reason(handover: Handover, crossing: Crossing) -> str:
    """Why a list is not put in its place, or an empty string."""
    returned = any(isinstance(s, ToReturn) for s in handover.sinks)
    if handover.family is not Family.VIEW:
        return _GIVEN_BACK if returned else _AT_ONCE
    if returned:
        return _LIVE
    if not handover.at_once:
        return _LATER
    if handover.uses is not None:
        others = sorted(set(handover.uses) - PLAIN_USES)
        return (
            f"{_AS_SET}: the function that gets it does more than go through it ({', '.join(others)})" if others else ""
        )
    if handover.target == "dict.values" and not crossing.boundary.starts:
        return ""
    return f"{_AS_SET}: hand over a list, or a set, whichever the function that gets it needs"


RULE = ViewArgument()
