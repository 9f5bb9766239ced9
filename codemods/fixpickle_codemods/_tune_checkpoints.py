"""How a trial saves and restores: `tune.checkpoint_dir` and the parameter `checkpoint_dir`, in today's form."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fixpickle.model import ByCall, Edit, Source
from fixpickle.rewrite import deeper, free_name, line_end, line_start, require, unit_below
from fixpickle.survey.facts import Facts, Reference
from fixpickle.survey.names import Names
from fixpickle.survey.tree import LOOPS, Tree, block_of, walk
from fixpickle_codemods._tune_calls import REPORT, Rewritten, call_at, given_as_dictionary, name_read

SAVE = "ray.tune.checkpoint_dir"
_KEEPERS = frozenset({"add", "append", "appendleft", "extend", "insert", "put", "setdefault", "update"})
_GOES = "the folder is gone after the report, and"


@dataclass(frozen=True, slots=True)
class _Save:
    """A `with tune.checkpoint_dir(...) as folder:` of a file, and the call in its head."""

    tree: Tree
    names: Names
    node: ast.With
    call: ast.Call
    folder: str


@dataclass(frozen=True, slots=True)
class _Told:
    """The report that takes the checkpoint: `outer` is the statement beside it in its block that saves."""

    outer: ast.stmt
    statement: ast.Expr
    call: ast.Call


def saved(facts: Facts, source: Source, reference: Reference) -> Rewritten | str:
    """The folder as a temporary one that the report which follows takes as its checkpoint; or why not."""
    save = _save(facts, source, reference)
    if isinstance(save, str):
        return save
    told = _told(save)
    reason = told if isinstance(told, str) else _of_step(save) or _outliving(save, told)
    if isinstance(told, str) or reason:
        return reason
    tune = source.text[reference.span.start : reference.span.end].rpartition(".")[0]
    made = f"{tune}.Checkpoint.from_directory({save.folder})"
    temporary = require(facts, source, "tempfile", "TemporaryDirectory")
    with_line = f"{temporary.code}()"
    name = made if told.outer is save.node else free_name("checkpoint", source.text, set(), "new_checkpoint")
    report = given_as_dictionary(save.tree, told.call, f"checkpoint={name}")
    if isinstance(report, str):
        return report
    if told.outer is save.node:
        moved = [*_at_once(save, told, with_line)]
    else:
        moved = [*_at_times(save, told, f"with {with_line} as {save.folder}:", name, made)]
    subject = ByCall(facts.module, f"{tune}.checkpoint_dir(step=0)", f"{tune}.report({{}}, checkpoint=None)")
    return Rewritten((*temporary.edits, *moved, *report), (subject,))


def _save(facts: Facts, source: Source, reference: Reference) -> _Save | str:
    tree = Tree(source)
    call = call_at(tree, reference.span) if reference.called else None
    item = tree.parents[call] if call is not None else None
    node = tree.parents[item] if isinstance(item, ast.withitem) else None
    if call is None or not isinstance(item, ast.withitem) or not isinstance(node, ast.With):
        return "only `with tune.checkpoint_dir(...) as folder:` says when its folder is whole: give that to the report"
    if len(node.items) > 1 or not isinstance(item.optional_vars, ast.Name):
        return "write `with tune.checkpoint_dir(...) as folder:` by itself, with a name for the folder"
    if tree.function(node) is None:
        return "it stands in no function, and only in a trial is there anything to report to"
    save = _Save(tree, Names(tree, facts.module, facts.package), node, call, item.optional_vars.id)
    return save if _alone(tree, node) and _head_end(save) else "it shares its lines with other statements"


# --- the report that takes it ---------------------------------------------------------------------------------------


def _told(save: _Save) -> _Told | str:
    """The report that follows, in the block of the `with` or behind the conditions that it stands under."""
    tree, here = save.tree, save.node
    if any(_tells(save, here)):
        return "it reports while the checkpoint is being written, and so with the one before: report behind it"
    at: ast.stmt = here
    while True:
        for statement in _behind(tree, at):
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(statement, ast.Expr) and isinstance(call, ast.Call) and _is_report(save, call.func):
                shared = not _alone(tree, statement) or not _alone(tree, at)
                return "the report shares its line" if shared else _Told(at, statement, call)
            line = next(_tells(save, statement), 0)
            if line:
                return f"whether line {line} reports, or saves again, only running tells: give the folder to one report"
        above = tree.parents[at]
        if not isinstance(above, ast.If):
            return "no tune.report follows in its block: give the folder to the report as checkpoint="
        at = above


def _behind(tree: Tree, statement: ast.stmt) -> Sequence[ast.stmt]:
    block = block_of(tree.parents[statement], statement)
    return block[block.index(statement) + 1 :]


def _is_report(save: _Save, callee: ast.expr) -> bool:
    return save.names.of(callee) == REPORT


def _tells(save: _Save, statement: ast.stmt) -> Iterator[int]:
    """The lines in a statement that report or save, themselves or by a function of the file."""
    tree, names = save.tree, save.names
    used: list[ast.Name | ast.Attribute] = tree.within(statement, ast.Name, ast.Attribute)
    for node in used:
        if node is not save.call.func and names.of(node) in (REPORT, SAVE):
            yield node.lineno
    telling = {f.name for f in tree.of(ast.FunctionDef) if any(names.of(n) in (REPORT, SAVE) for n in _named(tree, f))}
    for node in used:
        if isinstance(node, ast.Name) and node.id in telling:
            yield node.lineno


def _named(tree: Tree, function: ast.FunctionDef) -> list[ast.Name | ast.Attribute]:
    return tree.within(function, ast.Name, ast.Attribute)


# --- what would notice ----------------------------------------------------------------------------------------------


def _of_step(save: _Save) -> str:
    """Why the step, which Tune counts itself today, cannot be left out; or an empty string."""
    given = [*save.call.args, *(k.value for k in save.call.keywords)]
    if len(given) != 1 or any(k.arg != "step" for k in save.call.keywords):
        return "it is not called with one step"
    parts = list(walk(given[0]))
    if any(isinstance(p, (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for p in parts):
        return "its step is counted by a call, which would no longer be made: count in a line of its own"
    named = any(isinstance(p, (ast.Name, ast.Attribute)) for p in parts)
    return "" if named or _loop(save) is None else "one folder for every step keeps what earlier steps left in it"


def _loop(save: _Save) -> ast.AST | None:
    """The outermost loop around it, in its function."""
    function = save.tree.function(save.node)
    around = [a for a in save.tree.ancestors(save.node) if isinstance(a, LOOPS)]
    return next((a for a in reversed(around) if save.tree.function(a) is function), None)


def _outliving(save: _Save, told: _Told) -> str:
    """Why the folder may have to be there after the report, or an empty string."""
    tree, function = save.tree, save.tree.function(save.node)
    assert function is not None
    first, last = tree.span(told.outer).start, tree.span(told.statement).end
    kept = _kept(save)
    if isinstance(kept, str):
        return kept
    if named := name_read(tree, save.names, save.node, save.folder):
        return named
    around = _loop(save)
    loop = tree.span(around).start if around is not None else first
    for name in (n for n in tree.within(function, ast.Name) if n.id in kept and isinstance(n.ctx, ast.Load)):
        at = tree.span(name).start
        if tree.inside(name, told.call):
            return f"{_GOES} `{name.id}`, which the report tells, comes from it"
        if not first <= at < last and not (at < min(loop, first) and tree.function(name) is function):
            return f"{_GOES} line {name.lineno} reads `{name.id}`, which comes from it"
    return ""


def _kept(save: _Save) -> frozenset[str] | str:
    """The names that lead to the folder or to what is in it; or why it is not known what does."""
    names, before = {save.folder}, 0
    statements = [n for s in save.node.body for n in walk(s)]
    while len(names) > before:
        before = len(names)
        for node in statements:
            targets = _targets(node, names)
            if any(isinstance(t, (ast.Attribute, ast.Subscript)) for target in targets for t in walk(target)):
                return f"{_GOES} line {getattr(node, 'lineno', save.node.lineno)} keeps it"
            names |= {t.id for target in targets for t in walk(target) if isinstance(t, ast.Name)}
            method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            leaves = isinstance(node, (ast.Return, ast.Yield)) or method in _KEEPERS
            if leaves and _reads(node, names):
                return f"{_GOES} line {node.lineno} hands it on"  # type: ignore[attr-defined]
    declared: list[ast.Global | ast.Nonlocal] = save.tree.within(save.tree.root, ast.Global, ast.Nonlocal)
    shared = sorted(names & {name for d in declared for name in d.names})
    return f"{_GOES} `{shared[0]}` is a name of others too" if shared else frozenset(names)


def _targets(node: ast.AST, names: set[str]) -> list[ast.expr]:
    """What a statement binds to a value that is made from one of the names."""
    if isinstance(node, ast.withitem):
        return [node.optional_vars] if node.optional_vars is not None and _reads(node.context_expr, names) else []
    value = node.iter if isinstance(node, (ast.For, ast.comprehension)) else getattr(node, "value", None)
    if not isinstance(value, ast.AST) or not _reads(value, names):
        return []
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.comprehension)):
        return [node.target]
    return []


def _reads(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load) for n in walk(node))


# --- the edits ------------------------------------------------------------------------------------------------------


def _at_once(save: _Save, told: _Told, temporary: str) -> Iterator[Edit]:
    """The report, and what stands before it, moves into the `with`."""
    tree, call = save.tree, save.tree.span(save.call)
    yield Edit(tree.source.path, call.start, call.end, temporary)
    start = line_end(tree.text, tree.span(save.node).end)
    yield from deeper(tree, start, tree.span(told.statement).end, unit_below(tree, save.node, save.node.body[0]))


def _at_times(save: _Save, told: _Told, head: str, name: str, made: str) -> Iterator[Edit]:
    """A `with` around the conditions and the report; what was in the old one stays as far to the right as it is."""
    tree, text, path = save.tree, save.tree.text, save.tree.source.path
    unit = unit_below(tree, save.node, save.node.body[0])
    outer, own, report = tree.span(told.outer), tree.span(save.node), tree.span(told.statement)
    margin = text[line_start(text, outer.start) : outer.start] + unit
    yield Edit(path, outer.start, outer.start, f"{head}\n{margin}{name} = None\n{margin}")
    yield from deeper(tree, line_end(text, outer.start), own.start, unit)
    yield Edit(path, line_start(text, own.start), _head_end(save), _remark(save, unit))
    inner = text[line_start(text, own.start) : own.start] + unit
    end = line_start(text, own.end) + len(text[line_start(text, own.end) : line_end(text, own.end)].rstrip("\r\n"))
    yield Edit(path, end, end, f"\n{inner}{name} = {made}")
    yield from deeper(tree, line_end(text, own.end), report.end, unit)


def _head_end(save: _Save) -> int:
    """Where the lines of the head of the `with` end; 0 where its body begins there too."""
    named = save.node.items[0].optional_vars
    assert named is not None
    end, text = save.tree.span(named).end, save.tree.text
    colon = re.compile(r"[\s,)]*:").match(text, end)
    first = save.tree.span(save.node.body[0]).start
    return line_end(text, colon.end()) if colon is not None and line_end(text, colon.end()) <= first else 0


def _remark(save: _Save, unit: str) -> str:
    """The comment of the head, as a line of its own."""
    text, start = save.tree.text, save.tree.span(save.node).start
    comment = re.search(r":[ \t]*(#[^\r\n]*)\s*\Z", text[start : _head_end(save)])
    return f"{text[line_start(text, start) : start]}{unit}{comment[1]}\n" if comment else ""


def _alone(tree: Tree, statement: ast.stmt) -> bool:
    """Whether no other statement stands on its lines."""
    span = tree.span(statement)
    before = tree.text[line_start(tree.text, span.start) : span.start].strip()
    after = tree.text[span.end : line_end(tree.text, span.end)].strip()
    return not before and (not after or after.startswith("#"))
