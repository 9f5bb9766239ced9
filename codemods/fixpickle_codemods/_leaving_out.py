"""The strategy state-hooks: an attribute is left out of the pickled state and made anew as the class made it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.layout import layout
from fixpickle.model import ByExpression, ByState, Patch, Refusal, Strategy, Subject
from fixpickle.rewrite import Rebuilt, state_hooks
from fixpickle.survey.facts import Construction, Home
from fixpickle.survey.mangling import mangled
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree
from fixpickle_codemods._case import Case
from fixpickle_codemods._hook_needs import needs_of_hooks
from fixpickle_codemods._remaking import Remaking, Unclear
from fixpickle_codemods._setters import other_setters

_COPIES = re.compile(r"\bcopy\.copy\(|from copy import [^\n]*\bcopy\b")
_COPY_NOTE = "the hooks serve copy.copy too: a copy has a lock of its own, where it shared it before"


@dataclass(frozen=True, slots=True)
class _Needed:
    """What is left out, in the order in which it is made anew; the last one is what the finding is about.

    `written` is the expression as the class has it. `read` are the attributes that the hooks read, each with a value
    to try them with; None where values cannot be thought up.
    """

    rebuilt: tuple[Rebuilt, ...]
    written: str
    read: tuple[tuple[str, str], ...] | None


def left_out(case: Case) -> Patch | Refusal:
    """The class' `__getstate__` and `__setstate__`, written or extended."""
    facts, made, path = case.facts, case.made, case.finding.path
    found = layout(case.shop.project, facts, made.cls)
    if isinstance(found, str):
        return Refusal(path, f"state hooks could do harm: {found}")
    if other := next(other_setters(case.shop, case.facts, made.cls, made.attribute, made.target), ""):
        return Refusal(path, f"{other} sets {made.attribute} as well, and the hooks would not know which")
    if where := _set_from_outside(case):
        return Refusal(path, f"{where} may set {made.attribute} to another one, and the hooks would not know which")
    if _COPIES.search(case.source.text):
        return Refusal(path, "its file uses copy.copy, and a copy would no longer share the lock")
    own = found.own
    done = set(own.dropped) if own else set[str]()
    again = set(own.set_again) if own else set[str]()
    try:
        needed = _needed(case, made, done, again)
    except Unclear as unclear:
        return Refusal(path, str(unclear))
    edits = state_hooks(case.source, made.cls, found, needed.rebuilt)
    if isinstance(edits, Refusal):
        return edits
    return Patch(case.finding, edits, subjects=tuple(_subjects(case, needed)), notes=(*case.notes, _COPY_NOTE))


def _needed(case: Case, made: Construction, done: set[str], again: set[str]) -> _Needed:
    """What to leave out for one attribute, and before it what its code reads and the hooks do not know yet.

    Raises Unclear where that cannot be told for certain.
    """
    tree = Tree(case.source)
    names = Names(tree, case.source.module, case.source.is_package)
    remaking = Remaking(tree, names, made.cls, made.attribute)
    remade = remaking.remade(made)
    before: list[Rebuilt] = []
    for attribute in remade.reads:
        if kin := next(other_setters(case.shop, case.facts, case.made.cls, attribute), ""):
            raise Unclear(f"it is made from self.{attribute}, which {kin} sets as well")
        other = _construction(case, attribute)
        if other is None or attribute in done:
            continue
        if case.shop.project.strategy_at(case.facts, other.line) is Strategy.STATE_HOOKS:
            before += _needed(case, other, done, again).rebuilt
    code = "" if made.attribute in again else remade.code
    read = remaking.hooks_read()
    tried = None if read is None else tuple((a, _tried(case, a)) for a in dict.fromkeys((*read, *remade.reads)))
    return _Needed((*dict.fromkeys(before), Rebuilt(made.attribute, code)), remade.code or remade.written, tried)


def _tried(case: Case, attribute: str) -> str:
    """A value for an attribute that hooks read: a lock, or what will do for a size and for a condition."""
    other = _construction(case, attribute)
    known = dict(_needs(case))
    return other.code if other is not None else known.get(attribute, "1")


def _needs(case: Case) -> tuple[tuple[str, str], ...]:
    return needs_of_hooks(case.shop.project, case.source, case.facts, case.made.cls, case.made.attribute)


def _construction(case: Case, attribute: str) -> Construction | None:
    """What the class keeps under another attribute, where that is a primitive."""
    for other in case.facts.constructions:
        if other.home is Home.INSTANCE and (other.cls, other.attribute) == (case.made.cls, attribute):
            return other
    return None


def _set_from_outside(case: Case) -> str:
    """The other file that assigns to an attribute of that name of anything but `self`."""
    name = case.made.attribute
    wanted = re.compile(rf"(?<!\bself)\.{re.escape(name)}\s*=(?!=)")
    for path, source in case.shop.sources.items():
        if path != case.source.path and name in source.text and wanted.search(source.text):
            return path.name
    return ""


def _subjects(case: Case, needed: _Needed) -> Iterator[Subject]:
    """The instance as it is written, whose attribute must arrive; or one that had it where None arrives."""
    made, module, pickler = case.made, case.facts.module, case.finding.reach.pickler
    if needed.rebuilt[-1].code or not needed.written:
        code = _with_read(needed, needed.written or made.code)
        yield ByState(module, made.cls, made.attribute, code, code, pickler, _needs(case))
        return
    put = f'object.__setattr__(held, "{mangled(made.attribute, made.cls)}", {needed.written})'
    with_it = f"[(held, {put})[0] for held in [{made.cls}.__new__({made.cls})]]"
    yield ByExpression(module, with_it, with_it, pickler)


def _with_read(needed: _Needed, code: str) -> str:
    """The expression, evaluated for an instance that also has what its hooks read; empty where it cannot have that."""
    if needed.read is None:
        return ""
    puts = [f'object.__setattr__(self, "{attribute}", {value})' for attribute, value in needed.read]
    return f"({', '.join([*puts, code])})[-1]" if puts else code
