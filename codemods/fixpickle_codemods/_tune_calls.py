"""How a use of a name that Ray moved is written in today's form: the edits, and what to try as proof."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import ByCall, ByIdentity, Edit, Source, Span, Subject
from fixpickle.survey.facts import Facts, ImportFact, Reference
from fixpickle.survey.tree import Tree

REPORT = "ray.tune.report"
GETTERS = frozenset(f"ray.tune.get_trial_{what}" for what in ("id", "name", "dir", "resources"))


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The edits of one use, and what to try as proof."""

    edits: tuple[Edit, ...]
    subjects: tuple[Subject, ...]


# --- tune.report(metric=1) ------------------------------------------------------------------------------------------


def no_dictionary(keywords: Sequence[str]) -> str:
    """Why the arguments of a report do not become a dictionary as they stand, or an empty string."""
    if "" in keywords:
        return "its argument without a name is the metric `_metric`: put it in the dictionary under the name you use"
    if "checkpoint" in keywords:
        return "`checkpoint=` was a metric like any other, and is the checkpoint itself today: say which is meant"
    if not set(keywords) - {"**"}:
        return "whether `**` holds metrics, or the arguments of today, only running tells: put them in a dictionary"
    return ""


def reported(facts: Facts, source: Source, reference: Reference) -> Rewritten:
    """`tune.report(metric=1)` as `tune.report({"metric": 1})`."""
    edits = list(_dictionary(source, _call(Tree(source), reference.span)))
    callee = _reached(facts, source, reference)
    names = [k for k in reference.keywords if k != "**"]
    before = ", ".join(f"{name}=None" for name in names)
    after = ", ".join(f'"{name}": None' for name in names)
    return Rewritten(tuple(edits), (ByCall(facts.module, f"{callee}({before})", f"{callee}({{{after}}})"),))


@dataclass(frozen=True, slots=True)
class _Call:
    """A call in its file: the node, and where the brackets around its arguments begin and end, in characters."""

    tree: Tree
    node: ast.Call
    start: int
    end: int


def _call(tree: Tree, callee: Span) -> _Call:
    node = next(c for c in tree.of(ast.Call) if tree.span(c.func) == callee)
    opening = tree.text.index("(", callee.end)
    return _Call(tree, node, opening + 1, tree.span(node).end - 1)


def _dictionary(source: Source, call: _Call) -> Iterator[Edit]:
    yield Edit(source.path, call.start, call.start, "{")
    for keyword in call.node.keywords:
        if keyword.arg is not None:
            start = call.tree.span(keyword).start
            written = re.compile(rf"{re.escape(keyword.arg)}\s*=[ \t]*").match(source.text, start)
            if written is None:
                continue  # a comment or a line break stands between the name and its value
            yield Edit(source.path, start, written.end(), f'"{keyword.arg}": ')
    yield Edit(source.path, call.end, call.end, "}")


# --- names ----------------------------------------------------------------------------------------------------------


def not_in_context(facts: Facts, reference: Reference) -> str:
    """Why a getter cannot be called on the context where it stands, or an empty string."""
    by_name = any(fact.target == reference.symbol for fact in facts.imports)
    return "only `tune.get_context()` has it today: call it there" if by_name or not reference.called else ""


def in_context(source: Source, reference: Reference) -> Rewritten:
    """`tune.get_trial_id()` as `tune.get_context().get_trial_id()`."""
    at = reference.span.end - len(reference.symbol.rpartition(".")[2])
    return Rewritten((Edit(source.path, at, at, "get_context()."),), ())


def not_moved(facts: Facts, fact: ImportFact, to: str) -> str:
    """Why an import cannot be made from where its name is now, or an empty string."""
    alone = sum(other.span == fact.span for other in facts.imports) == 1
    return "" if alone else f"it shares its import with other names: import {to} by itself"


def imported(facts: Facts, source: Source, fact: ImportFact, to: str) -> Rewritten:
    """`from old import Name` as `from new import Name`."""
    written = re.match(r"from\s+([\w.]+)", source.text[fact.span.start : fact.span.end])
    assert written is not None, fact
    start = fact.span.start + written.start(1)
    subjects = (ByIdentity(facts.module, fact.local),) if fact.top else ()
    edit = Edit(source.path, start, start + len(written[1]), to.rpartition(".")[0])
    return Rewritten((edit,), subjects)


def _reached(facts: Facts, source: Source, reference: Reference) -> str:
    """An expression for what is called, in the module's namespace."""
    written = source.text[reference.span.start : reference.span.end]
    top = {name for s in facts.statements if s.kind == "import" for name in s.binds}
    if written.partition(".")[0] in top:
        return written
    module, _, name = reference.symbol.rpartition(".")
    return f"__import__({module!r}, fromlist=[{name!r}]).{name}"
