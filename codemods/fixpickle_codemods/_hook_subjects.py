"""What to pickle as proof that a hook was mended: an instance with the attributes that the hook is about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from fixpickle.model import ByContents
from fixpickle.project import Project
from fixpickle.survey.facts import ClassFacts, Facts, Harm
from fixpickle.survey.mangling import mangled
from fixpickle.survey.tree import Function, Tree
from fixpickle_codemods._container_state import item
from fixpickle_codemods._hook_flaws import Judged

_OTHER = "kept_by_the_proof"  # what stands for all that the hook is not about


def subjects(project: Project, facts: Facts, tree: Tree, method: Function, found: Judged) -> Iterator[ByContents]:
    """An instance that fails for the flaw alone, as far as one can be made without the class' constructor."""
    flaw, cls = found.flaw, found.cls
    names = [mangled(name, cls.name) for name in flaw.names]
    read = dict.fromkeys(_read(tree, method), "{}")
    left_out = {mangled(name, cls.name) for name in cls.state.dropped} if cls.state is not None else set[str]()
    numbers = dict.fromkeys(names, "0")
    match flaw.harm:
        case Harm.SILENT:
            for held in ({**read, **numbers, _OTHER: "0"}, {**read, _OTHER: "0"}):
                yield _instance(facts, cls, held, {*names})
        case Harm.DAMAGE:
            yield _instance(facts, cls, {**read, **numbers}, {*names})
        case Harm.FORGOTTEN:
            others = dict.fromkeys(sorted(left_out), "0")
            yield _instance(
                facts, cls, {**read, **others, names[0]: flaw.code}, left_out - {names[0]} - _set_again(cls)
            )
        case Harm.PASSED_OVER:
            yield _with_base(project, facts, cls, read, left_out)
        case Harm.SLOTS:
            slots = [s for c in (cls, *_bases(project, facts, cls)) for s in c.slots or ()]
            yield _instance(facts, cls, dict.fromkeys(slots, "0"))
        case Harm.ENDLESS | Harm.ANSWERING:
            pickler = "copy.deepcopy, then pickle" if "KeyError" in flaw.code else "pickle"
            yield ByContents(facts.module, cls.name, tuple((n, "{}") for n in flaw.names), pickler=pickler)
        case Harm.ARGUMENTS | Harm.ITEMS:
            yield ByContents(facts.module, cls.name, tuple(numbers.items()), fill=item(flaw.code))


def _instance(
    facts: Facts, cls: ClassFacts, holds: Mapping[str, str], dropped: set[str] | frozenset[str] = frozenset()
) -> ByContents:
    return ByContents(facts.module, cls.name, tuple(holds.items()), tuple(sorted(dropped)))


def _with_base(
    project: Project, facts: Facts, cls: ClassFacts, read: Mapping[str, str], left_out: set[str]
) -> ByContents:
    """With what the base leaves out, made as the base's constructor makes it: this is what cannot be pickled."""
    hooked = [b for b in _bases(project, facts, cls) if b.state is not None]
    again = _set_again(cls).union(*(_set_again(b) for b in hooked))
    theirs = {
        mangled(name, b.name): _value(dict(b.attributes).get(name, ""))
        for b in hooked
        for name in (b.state.dropped if b.state is not None else ())
    }
    holds = {**read, **dict.fromkeys(sorted(left_out), "0"), **theirs}
    return _instance(facts, cls, holds, (left_out | theirs.keys()) - again)


def _set_again(cls: ClassFacts) -> set[str]:
    return {mangled(name, cls.name) for name in cls.state.set_again} if cls.state is not None else set()


def _bases(project: Project, facts: Facts, cls: ClassFacts) -> list[ClassFacts]:
    return [found for _, found in project.lineage(facts, cls.name) if found is not None and found is not cls]


def _read(tree: Tree, method: Function) -> Iterator[str]:
    """The attributes that a hook reads, which an instance must have for it to run."""
    for inner in ast.walk(method):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load) and ast.unparse(inner.value) == "self":
            around = tree.parents[inner]
            called = isinstance(around, ast.Call) and around.func is inner
            if not called and not inner.attr.startswith("__"):
                yield inner.attr


def _value(symbol: str) -> str:
    """An expression for what a call of that symbolic name gives, whatever the module has imported."""
    made = re.fullmatch(r"([\w.]+)\.(\w+)\(\)", symbol)
    return f'getattr(__import__("{made[1]}", fromlist=["_"]), "{made[2]}")()' if made else "0"
