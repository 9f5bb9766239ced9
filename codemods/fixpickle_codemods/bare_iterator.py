"""# bare-iterator

An `itertools.count`, `cycle` or `repeat` that is carried along when something is pickled: kept on an instance, in a
container on one, as a factory, or by a function that is shipped by value. Up to Python 3.13 these can be pickled and
copied, with a DeprecationWarning since 3.12. From 3.14 on they cannot
([gh-101588](https://github.com/python/cpython/issues/101588)), by `copy.deepcopy` neither:

    TypeError: cannot pickle 'itertools.count' object

## What it becomes

Its counterpart of the runtime module, called with the same arguments: a subclass of the original, with the same
numbers, `repr` and `next`. Pickled or copied, it goes on from where it stands, as the original does up to 3.13.

    self._ids = itertools.count(1)
    self._ids = _fixpickle_iterators.count(1)

The same goes for `itertools.count().__next__`, which carries its counter along.

`next` is safe between threads, as it is now. It takes as long as the original's for `count` of integers and for
`repeat`, and several times as long for `count` of other numbers and for `cycle`.

The runtime module is copied into your package as `_fixpickle_iterators.py` (`runtime = "vendor"`), or imported from
`fixpickle.runtime.iterators` (`runtime = "package"`).

**What is pickled goes on by itself.** Two processes that load the same counter get the same numbers from it, as they
did up to 3.13. The report says so for every fix.

## What it leaves alone

Projects that are not for Python 3.14: where `requires-python`, or what setuptools and poetry have for it, excludes it.
Where nothing is declared, the interpreter that the proof runs decides. The proof is of most worth with a Python 3.14
(`--python`): under an older one the object crossed before as well, and the fix is reported as unproved.

Iterators that are gone through where they are made or by `executor.map`, and what `list`, `zip` or the like make of
them. Module globals and attributes of classes: pickle stores functions and classes by name. Instances that are left
alone for what else they are: see [bare-lock](bare-lock.md). Subclasses of `itertools.count`. `chain`, `islice`,
`product` and the others on an instance: see [view-attribute](view-attribute.md). What a task is handed: see
[view-argument](view-argument.md).

## When it refuses

A `cycle` through a generator or another iterator of `itertools`, which cannot be pickled either. A string or a call
replaces the constructor by its name, as in `mock.patch("package.module.count")`. State of the same class is keyed by
`id()`. `_fixpickle_iterators` is already the name of something else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from fixpickle.model import Edit, Evidence, Finding, Patch, Reach, Refusal, Safety
from fixpickle.project import Project
from fixpickle.rewrite import namespaced, require_runtime
from fixpickle.rule import Workshop
from fixpickle.survey.constructions import ITERATORS
from fixpickle.survey.facts import Construction, Facts
from fixpickle.survey.holdings import ITERTOOLS
from fixpickle_codemods._carried import carried, left_alone
from fixpickle_codemods._primitives import patched, subjects, where
from fixpickle_codemods._releases import LESS_FROM, consulted, pickles_less

_RUNTIME = "_fixpickle_"  # our own copies: they know what they keep
_SOURCE = "it goes through an iterator which cannot be pickled either: give it a list"
_SOURCES = frozenset(ITERTOOLS) - {symbol.rpartition(".")[2] for symbol in ITERATORS}
_SAME = {
    "count": "what is pickled counts on from the same number: both sides give the same ones",
    "cycle": "what is pickled goes on from the same item: both sides give the same ones",
}


class BareIterator:
    """An iterator of itertools that something carries along when it is pickled."""

    name = "bare-iterator"
    summary = "an itertools.count, cycle or repeat that is carried along cannot be pickled from Python 3.14 on"
    safety = Safety.SAFE

    def find(self, project: Project, facts: Facts) -> Iterator[Finding]:
        """Every such iterator of the file that something carries along, where the project is for Python 3.14."""
        found = [c for c in facts.constructions if c.target in ITERATORS]
        if not found or facts.path.name.startswith(_RUNTIME):
            return
        if not pickles_less(project, facts):
            return
        for made in found:
            alone = left_alone(project, facts, made)
            reach = carried(project, facts, made)
            if alone and (reach is None or reach.evidence is Evidence.STATE):
                reach = Reach(Evidence.ANY, (f"stored on self.{made.attribute} of {made.cls} at line {made.line}",))
            reach = reach or project.failed(facts, made.span)
            if reach is None:
                continue
            reason = alone or _through(made) or patched(project, facts, made)
            yield Finding(
                rule=self.name,
                path=facts.path,
                span=made.span,
                message=f"{made.target} {where(made)} cannot be pickled from Python 3.14 on",
                reach=reach,
                safety=Safety.MANUAL if reason else Safety.SAFE,
                reason=reason,
            )

    def consults(self, project: Project, facts: Facts) -> Iterator[Path]:
        """Where a project says which Python it is for, for a file that has something to say."""
        if any(made.target in ITERATORS for made in facts.constructions):
            yield from consulted(facts.root)

    def fix(self, finding: Finding, shop: Workshop) -> Patch | Refusal:
        """The constructor exchanged for its counterpart of the runtime module."""
        facts, source = shop.facts[finding.path], shop.sources[finding.path]
        made = next(c for c in facts.constructions if c.span == finding.span)
        if refusal := namespaced(facts, shop.project.files, shop.settings):
            return refusal
        iterators = require_runtime(facts, source, shop.settings, "iterators")
        if isinstance(iterators, Refusal):
            return iterators
        kind = made.target.rpartition(".")[2]
        callee = f"{iterators.code}.{kind}"
        edit = Edit(finding.path, made.span.start, made.span.end, callee)
        proof = subjects(facts, finding, made, callee, kind)
        return Patch(finding, (*iterators.edits, edit), iterators.new_files, proof, tuple(_notes(kind, shop)))


def _notes(kind: str, shop: Workshop) -> Iterator[str]:
    if kind in _SAME:
        yield _SAME[kind]
    if () < shop.settings.release < LESS_FROM:
        running = ".".join(map(str, shop.settings.release))
        yield f"Python {running}, which proves here, pickles the original too: one from 3.14 on proves more (--python)"


def _through(made: Construction) -> str:
    """Why what a cycle goes through, or a repeat gives, cannot be pickled; empty where the code does not show that."""
    call = ast.parse(made.code, mode="eval").body
    arguments = call.args if isinstance(call, ast.Call) else []
    words = (ast.unparse(a.func).rpartition(".")[2] for a in arguments if isinstance(a, ast.Call))
    generator = any(isinstance(argument, ast.GeneratorExp) for argument in arguments)
    return _SOURCE if generator or not _SOURCES.isdisjoint(words) else ""


RULE = BareIterator()
