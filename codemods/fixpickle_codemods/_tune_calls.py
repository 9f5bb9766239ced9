"""How a use of a name that Ray moved is written in today's form: the edits, and what to try as proof."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import ByCall, ByIdentity, Edit, Source, Span, Subject
from fixpickle.rewrite import import_line, require, without_import
from fixpickle.survey.facts import Facts, ImportFact, Reference
from fixpickle.survey.moved import Moved
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree

REPORT = "ray.tune.report"
_NAMING = frozenset(
    {"os.path.basename", "os.path.split", "os.path.normpath", "os.path.relpath", "re.search", "re.match"}
)
GETTERS = frozenset(f"ray.tune.get_trial_{what}" for what in ("id", "name", "dir", "resources"))


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The edits of one use, what to try as proof, and what a reviewer must know."""

    edits: tuple[Edit, ...]
    subjects: tuple[Subject, ...]
    notes: tuple[str, ...] = ()


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
    tree = Tree(source)
    edits = list(_dictionary(_brackets(tree, call_at(tree, reference.span)), ""))
    callee = _reached(facts, source, reference)
    names = [k for k in reference.keywords if k != "**"]
    before = ", ".join(f"{name}=None" for name in names)
    after = ", ".join(f'"{name}": None' for name in names)
    return Rewritten(tuple(edits), (ByCall(facts.module, f"{callee}({before})", f"{callee}({{{after}}})"),))


def given_as_dictionary(tree: Tree, call: ast.Call, more: str) -> tuple[Edit, ...] | str:
    """A report of a trial that is written for an older Ray, with its metrics in a dictionary and `more` behind them.

    Or why not. A dictionary that is written there is taken for what an earlier fix made of the metrics.
    """
    keywords = ["" for _ in call.args] + [k.arg or "**" for k in call.keywords]
    given = [*call.args, *(k.value for k in call.keywords)]
    if len(given) == 1 and keywords[0] in ("", "metrics") and isinstance(given[0], ast.Dict):
        end, close = tree.span(given[0]).end, _brackets(tree, call).end
        if tree.text[end:close].strip() not in ("", ","):
            return "comments stand behind its metrics"
        return (Edit(tree.source.path, end, end, f", {more}"),)
    reason = no_dictionary([k for k in keywords if k != "**"]) if keywords != ["**"] else ""
    return reason or tuple(_dictionary(_brackets(tree, call), f", {more}"))


def call_at(tree: Tree, callee: Span) -> ast.Call:
    """The call of what stands there."""
    return next(c for c in tree.of(ast.Call) if tree.span(c.func) == callee)


@dataclass(frozen=True, slots=True)
class _Brackets:
    """A call in its file, and where the brackets around its arguments begin and end, in characters."""

    tree: Tree
    node: ast.Call
    start: int
    end: int


def _brackets(tree: Tree, call: ast.Call) -> _Brackets:
    opening = tree.text.index("(", tree.span(call.func).end)
    return _Brackets(tree, call, opening + 1, tree.span(call).end - 1)


def _dictionary(call: _Brackets, more: str) -> Iterator[Edit]:
    text, path = call.tree.text, call.tree.source.path
    # Brackets are replaced, not only added to: of two fixes of one report the second waits for its round.
    yield Edit(path, call.start - 1, call.start, "({")
    for keyword in call.node.keywords:
        if keyword.arg is not None:
            start = call.tree.span(keyword).start
            written = re.compile(rf"{re.escape(keyword.arg)}\s*=[ \t]*").match(text, start)
            if written is None:
                continue  # a comment or a line break stands between the name and its value
            yield Edit(path, start, written.end(), f'"{keyword.arg}": ')
    yield Edit(path, call.end, call.end + 1, f"}}{more})")


# --- names ----------------------------------------------------------------------------------------------------------


def not_in_context(facts: Facts, reference: Reference) -> str:
    """Why a getter cannot be called on the context where it stands, or an empty string."""
    by_name = any(fact.target == reference.symbol for fact in facts.imports)
    return "only `tune.get_context()` has it today: call it there" if by_name or not reference.called else ""


def in_context(source: Source, reference: Reference) -> Rewritten:
    """`tune.get_trial_id()` as `tune.get_context().get_trial_id()`."""
    at = reference.span.end - len(reference.symbol.rpartition(".")[2])
    return Rewritten((Edit(source.path, at, at, "get_context()."),), ())


def not_moved(facts: Facts, fact: ImportFact, known: Moved) -> str:
    """Why an import cannot be made from where its name is now, or an empty string."""
    gone = [r for r in facts.references if _lacking(r.symbol, known)]
    if gone:
        return f"line {gone[0].span.line} uses {gone[0].symbol.rpartition('.')[2]} of it. Instead: {known.instead}"
    alone = sum(other.span == fact.span for other in facts.imports) == 1
    if not alone and (not fact.top or fact.local in (facts.exports or ())):
        return f"it shares its import with other names: import {known.to} by itself"
    return ""


def _lacking(symbol: str, known: Moved) -> bool:
    """Whether it is something of the moved name that this one has no more."""
    inner = symbol.removeprefix(f"{known.name}.")
    return inner != symbol and bool(known.has) and inner not in known.has


def not_renamed(reference: Reference, known: Moved) -> str:
    """Why a use by its dotted name has no counterpart, or an empty string."""
    only_moved = bool(known.to) and (reference.symbol == known.name or reference.symbol.startswith(f"{known.name}."))
    return f"instead: {known.instead}" if not only_moved or _lacking(reference.symbol, known) else ""


def renamed(facts: Facts, source: Source, reference: Reference, known: Moved) -> Rewritten:
    """`air.Checkpoint.from_directory` as `tune.Checkpoint.from_directory`."""
    module, _, name = known.to.rpartition(".")
    package, _, last = module.rpartition(".")
    short = any(f.top and f.target == module and f.local == last for f in facts.imports)
    home = require(facts, source, package, last) if short and package == "ray" else None
    new = home.code + f".{name}" if home is not None else ""
    made = require(facts, source, module, name) if home is None else home
    end = reference.span.end - len(reference.symbol) + len(known.name)
    edit = Edit(source.path, reference.span.start, end, new or made.code)
    return Rewritten((edit, *made.edits), ())


def imported(facts: Facts, source: Source, fact: ImportFact, to: str) -> Rewritten:
    """`from old import Name` as `from new import Name`; where it shares its statement, in a statement of its own."""
    module, _, name = to.rpartition(".")
    subjects = (ByIdentity(facts.module, fact.local),) if fact.top else ()
    if any(other.span == fact.span and other is not fact for other in facts.imports):
        line = f"from {module} import {name}" + (f" as {fact.local}" if fact.local != name else "")
        whole = Span(0, len(source.text), 1, 1)
        gone = without_import(facts, source, fact.local, [whole])
        return Rewritten((*gone, import_line(facts, source, line)), subjects)
    written = re.match(r"from\s+([\w.]+)", source.text[fact.span.start : fact.span.end])
    assert written is not None, fact
    start = fact.span.start + written.start(1)
    return Rewritten((Edit(source.path, start, start + len(written[1]), module),), subjects)


def name_read(tree: Tree, names: Names, function: ast.AST, folder: str) -> str:
    """Where a function reads from the name of a checkpoint's folder, which was made of the step; or nothing."""
    for use in tree.within(function, ast.Name):
        around = tree.parents[use]
        if use.id != folder or not isinstance(use.ctx, ast.Load):
            continue
        called = names.of(around.func) if isinstance(around, ast.Call) and use in around.args else ""
        part = isinstance(around, (ast.Attribute, ast.Subscript)) or called in _NAMING
        if part or (called.startswith("pathlib.") and isinstance(tree.parents[around], ast.Attribute)):
            return f"line {use.lineno} reads the name of the folder, which no longer holds the step"
    return ""


def _reached(facts: Facts, source: Source, reference: Reference) -> str:
    """An expression for what is called, in the module's namespace."""
    written = source.text[reference.span.start : reference.span.end]
    top = {name for s in facts.statements if s.kind == "import" for name in s.binds}
    if written.partition(".")[0] in top:
        return written
    module, _, name = reference.symbol.rpartition(".")
    return f"__import__({module!r}, fromlist=[{name!r}]).{name}"
