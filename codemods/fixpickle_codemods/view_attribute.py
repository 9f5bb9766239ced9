"""# view-attribute

A view of a dictionary, a `MappingProxyType`, a generator or another one-shot iterator that is kept on `self`:

    TypeError: cannot pickle 'dict_keys' object
    TypeError: cannot pickle 'mappingproxy' object
    TypeError: cannot pickle 'generator' object

## What it becomes

A view of a dictionary that nothing else has, and that methods only go through, count or hand to `sorted` and the
like, becomes a list:

    self._names = {c.name: c for c in columns}.keys()
    self._names = list({c.name: c for c in columns}.keys())

A view of a dictionary that the instance keeps as well stays a view, live, and with its set operations: state hooks
leave it out and make it again from that dictionary. A mapping proxy stays a proxy in the same way; where nothing else
has its mapping, the mapping itself is pickled (`self._table.copy()`) and wrapped again.

## What it leaves alone

`.keys()`, `.values()` and `.items()` of what is not sure to be a `dict`: those of pandas, h5py and many others give
something else. `map`, `filter`, `zip`, `enumerate`, `reversed` and `iter(...)` pickle. Classes whose hooks leave the
attribute out, tests, and objects that belong to one process. Views that are only local.

Iterators of `itertools`, `chain`, `islice`, `product` and the like, pickle up to Python 3.13, with a DeprecationWarning
since 3.12. They are named where the project is for 3.14 and their instances are seen to be pickled or copied; `--reach
any` lists the others. For `count`, `cycle` and `repeat` see [bare-iterator](bare-iterator.md).

## When it refuses

A list would not do: the view is used as a set, compared, tested for membership, returned or handed on, or the
dictionary is somebody else's and may change. A generator or another one-shot iterator: it may be half consumed, and
what is left of it cannot be told without consuming it. Where `list` is another thing in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import ByExpression, ByState, Evidence, Finding, Patch, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import Rebuilt
from fixpickle.rule import Workshop
from fixpickle.survey.constructions import ITERATORS
from fixpickle.survey.facts import Facts, Family, Holding
from fixpickle_codemods._attributes import Judged, Remedy, findings, patch
from fixpickle_codemods._releases import consulted
from fixpickle_codemods._view_uses import PLAIN_USES

_HALF = "it may be half consumed when it is pickled: keep what it is made from, or a list"
_GONE = "it pickles up to Python 3.13 and not from 3.14 on: keep what it is made from, or a list"
_SET_LIKE = "a list would not do: "


class ViewAttribute:
    """A view, a mapping proxy or a one-shot iterator that is kept on an instance."""

    name = "view-attribute"
    summary = "a dictionary view, mapping proxy or generator on an instance cannot be pickled"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such attribute of the file's classes."""
        return findings(self.name, _judge, project, facts)

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """Where a project says which Python it is for, for a file that keeps an iterator of itertools."""
        if any(holding.family is Family.ITERTOOLS for holding in facts.holdings):
            yield from consulted(facts.root)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """A list in the place of the view, or state hooks that make it again."""
        return patch(finding, shop, _judge)


def _judge(facts: Facts, holding: Holding) -> Judged | None:
    if holding.family is Family.ITERTOOLS and holding.target not in ITERATORS:
        return Judged(_GONE, Evidence.ANY)
    if holding.family is Family.GENERATOR:
        return Judged(_HALF, Evidence.ANY)
    if holding.family is Family.VIEW:
        return Judged(_view(facts, holding), Evidence.STATE)
    return Judged(_proxy(facts, holding), Evidence.STATE) if holding.family is Family.PROXY else None


def _view(facts: Facts, holding: Holding) -> Remedy | str:
    if _remakable(holding) and holding.reads:
        return _again(facts, holding)
    if holding.receiver != "fresh":
        return f"{_SET_LIKE}the dictionary is not the instance's own, and may change"
    if others := sorted(set(holding.uses) - PLAIN_USES):
        return f"{_SET_LIKE}a method uses it otherwise than by going through it ({', '.join(others)})"
    instead = f"list({holding.code})"
    alone = f"{{}}.{holding.target.removeprefix('dict.')}()"
    subjects = (
        ByState(facts.module, holding.cls, holding.attribute, holding.code, instead),
        ByExpression(facts.module, alone, f"list({alone})"),
    )
    return Remedy(Safety.SAFE, instead=instead, subjects=subjects)


def _proxy(facts: Facts, holding: Holding) -> Remedy | str:
    if _remakable(holding) and holding.reads:
        return _again(facts, holding)
    if holding.receiver != "fresh":
        return "it shows a mapping that is not the instance's own, and may change: keep that, and make the proxy again"
    name = f"self.{holding.attribute}"
    callee = holding.code.partition("(")[0]
    rebuilt = Rebuilt(holding.attribute, f"{callee}({name})", f"{name}.copy()")
    sample = f"{callee}({{1: 2}})"
    return Remedy(
        Safety.SAFE, rebuilt, subjects=(ByState(facts.module, holding.cls, holding.attribute, sample, sample),)
    )


def _remakable(holding: Holding) -> bool:
    return bool(holding.again) and holding.single and not holding.nullable


def _again(facts: Facts, holding: Holding) -> Remedy:
    held = tuple((name, "{1: 2}") for name in holding.reads)
    subject = ByState(facts.module, holding.cls, holding.attribute, holding.again, holding.again, holds=held)
    return Remedy(Safety.SAFE, Rebuilt(holding.attribute, holding.again), subjects=(subject,))


RULE = ViewAttribute()
