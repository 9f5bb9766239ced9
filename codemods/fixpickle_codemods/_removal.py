"""The strategy remove: the lock goes, and with it every `with`, `acquire` and `release` on it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import libcst as cst
from libcst.metadata import CodePosition, MetadataWrapper, PositionProvider

from fixpickle.model import ByState, ByValue, Edit, Patch, Refusal, Subject
from fixpickle.survey.facts import Facts, Home
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree
from fixpickle_codemods._case import Case

_NOTE = "nothing keeps threads out any more where the lock did"
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Uses:
    """The places of what is to go: items of `with` statements, and whole statements. Line from 1, column from 0."""

    items: frozenset[_Place]
    statements: frozenset[_Place]


def removed(case: Case) -> Patch | Refusal:
    """The file without the lock. Refused where anything but a plain `with`, `acquire` and `release` names it."""
    path, made = case.finding.path, case.made
    if reason := _kept_elsewhere(case):
        return Refusal(path, reason)
    uses = _uses(case)
    if isinstance(uses, str):
        return Refusal(path, uses)
    text = MetadataWrapper(cst.parse_module(case.source.text), unsafe_skip_copy=True)
    new = text.visit(_Without(uses)).code
    word = rf"\.{re.escape(made.attribute)}\b" if made.home is Home.INSTANCE else rf"\b{re.escape(made.attribute)}\b"
    if len(re.findall(word, new)) > len(re.findall(word, case.source.text)) - len(uses.items) - len(uses.statements):
        return Refusal(path, "it is named in a place that cannot be read")
    return Patch(case.finding, (_difference(case, new),), subjects=tuple(_subjects(case)), notes=(_NOTE,))


def _subjects(case: Case) -> Iterator[Subject]:
    """What carried the lock: the instance, or what is shipped by value."""
    for subject in case.subjects(case.made.code.partition("(")[0]):
        if isinstance(subject, ByState):
            yield replace(subject, attribute="", before=case.made.code, after="None")
        elif isinstance(subject, ByValue):
            yield subject


def _difference(case: Case, new: str) -> Edit:
    """One edit from the first to the last character that differs."""
    old = case.source.text
    limit = min(len(old), len(new))
    head = next((n for n in range(limit) if old[n] != new[n]), limit)
    tail = next((n for n in range(limit - head) if old[-1 - n] != new[-1 - n]), limit - head)
    return Edit(case.finding.path, head, len(old) - tail, new[head : len(new) - tail].replace("\r\n", "\n"))


# --- who else names it ----------------------------------------------------------------------------------------------


def _kept_elsewhere(case: Case) -> str:
    """Where another file, or a string, names the attribute or the variable; empty where none does."""
    name = case.made.attribute
    own = case.made.home is Home.INSTANCE
    for facts in case.shop.project.files:
        text = case.shop.sources[facts.path].text
        if not re.search(rf"\b{re.escape(name)}\b", text) or (facts.path == case.finding.path and not own):
            continue
        for line in _foreign(case, facts) if own else _imported(case, facts):
            return f"it is named at {facts.path.name}:{line} as well"
    return ""


def _imported(case: Case, facts: Facts) -> Iterator[int]:
    """Where another file takes the variable from its module."""
    wanted = f"{case.facts.module}.{case.made.attribute}"
    yield from (i.span.line for i in facts.imports if i.target in (wanted, f"{case.facts.module}.*"))
    tree = Tree(case.shop.sources[facts.path])
    names = Names(tree, facts.module, facts.package)
    for node in tree.nodes:
        if isinstance(node, ast.Attribute) and node.attr == case.made.attribute and names.of(node) == wanted:
            yield node.lineno


def _foreign(case: Case, facts: Facts) -> Iterator[int]:
    """Where a file names the attribute otherwise than as `self.x` in a class that has nothing to do with this one."""
    project, name = case.shop.project, case.made.attribute
    own = f"{case.facts.module}.{case.made.cls}"
    family = {symbol for symbol, _ in project.lineage(case.facts, case.made.cls)} - {own}
    tree = Tree(case.shop.sources[facts.path])
    names = Names(tree, facts.module, facts.package)
    for node in tree.nodes:
        if isinstance(node, ast.Constant) and node.value == name:
            yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr == name:
            owner = names.instance_class(node.value)
            cls = tree.qualname(owner) if owner is not None else ""
            symbol = f"{facts.module}.{cls}"
            related = symbol in family or own in {s for s, _ in project.lineage(facts, cls)}
            if symbol != own and (not cls or related):
                yield node.lineno


# --- where it is used -----------------------------------------------------------------------------------------------


def _uses(case: Case) -> _Uses | str:
    """The places that go, or why one of them cannot."""
    tree = Tree(case.source)
    names = Names(tree, case.source.module, case.source.is_package)
    items: set[_Place] = set()
    statements: set[_Place] = set()
    for node in _named(case, tree, names):
        parent = tree.parents[node]
        statement = tree.statement(node)
        place = (statement.lineno, statement.col_offset)
        if isinstance(parent, ast.withitem) and isinstance(statement, ast.With) and parent.optional_vars is None:
            items.add((node.lineno, node.col_offset))
        elif _is_made(statement, node, case) or _is_call(statement, node):
            statements.add(place)
        else:
            return f"line {node.lineno} does more with it than hold it"
    made = [s for s in tree.nodes if isinstance(s, ast.stmt) and _makes(s, case, tree)]
    if len(made) != 1 or (made[0].lineno, made[0].col_offset) not in statements:
        return "it is made in another way than by an assignment of its own"
    return _Uses(frozenset(items), frozenset(statements))


def _named(case: Case, tree: Tree, names: Names) -> Iterator[ast.Name | ast.Attribute]:
    for node in tree.nodes:
        if case.made.home is Home.INSTANCE:
            if isinstance(node, ast.Attribute) and node.attr == case.made.attribute:
                owner = names.instance_class(node.value)
                if owner is not None and tree.qualname(owner) == case.made.cls:
                    yield node
        elif isinstance(node, ast.Name) and node.id == case.made.attribute:
            yield node


def _makes(statement: ast.stmt, case: Case, tree: Tree) -> bool:
    span = tree.span(statement)
    simple = isinstance(statement, (ast.Assign, ast.AnnAssign))
    return simple and span.start <= case.made.span.start < span.end


def _is_made(statement: ast.stmt, node: ast.expr, case: Case) -> bool:
    """Whether the statement is `x = Lock()`, and no more."""
    if isinstance(statement, ast.Assign):
        plain = statement.targets == [node]
    else:
        plain = isinstance(statement, ast.AnnAssign) and statement.target is node
    value = getattr(statement, "value", None)
    return plain and isinstance(value, ast.Call) and ast.unparse(value) == case.made.code


def _is_call(statement: ast.stmt, node: ast.expr) -> bool:
    """Whether the statement is `x.acquire()` or `x.release()`, and no more."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or call.args or call.keywords or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.value is node and call.func.attr in ("acquire", "release")


# --- without it -----------------------------------------------------------------------------------------------------

_Statement = cst.BaseStatement
_Lines = Sequence[cst.EmptyLine]


class _Without(cst.CSTTransformer):
    """Takes the statements out, and the blocks of what is left of `with` and `try` with nothing to do."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, uses: _Uses) -> None:
        super().__init__()
        self.uses = uses
        self.emptied: set[cst.CSTNode] = set()

    def _at(self, node: cst.CSTNode) -> _Place:
        start: CodePosition = self.get_metadata(PositionProvider, node).start
        return start.line, start.column

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body, footer = self._flat(original_node.body, updated_node.body, updated_node.footer)
        if not body:
            self.emptied.add(original_node)
            body = [cst.SimpleStatementLine([cst.Pass()])]
        return updated_node.with_changes(body=body, footer=footer)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body, footer = self._flat(original_node.body, updated_node.body, updated_node.footer)
        return updated_node.with_changes(body=body, footer=footer)

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> cst.With:
        pairs = zip(original_node.items, updated_node.items, strict=True)
        left = [new for old, new in pairs if not self._goes(old)]
        if not left or len(left) == len(updated_node.items):
            return updated_node
        left[-1] = left[-1].with_changes(comma=updated_node.items[-1].comma)
        return updated_node.with_changes(items=left)

    def _goes(self, item: cst.WithItem) -> bool:
        return self._at(item.item) in self.uses.items

    def _flat(
        self, old: Sequence[_Statement], new: Sequence[_Statement], footer: _Lines
    ) -> tuple[list[_Statement], _Lines]:
        """The statements with those unwrapped that do nothing more; comments behind them go to what comes next."""
        found: list[_Statement] = []
        pending: list[cst.EmptyLine] = []
        for before, after in zip(old, new, strict=True):
            fresh, rest = self._one(before, after)
            if fresh and pending:
                fresh[0] = fresh[0].with_changes(leading_lines=[*pending, *fresh[0].leading_lines])  # type: ignore[attr-defined]
                pending = []
            found += fresh
            pending += rest
        return found, [*pending, *footer]

    def _one(self, old: _Statement, new: _Statement) -> tuple[list[_Statement], list[cst.EmptyLine]]:
        if isinstance(old, cst.SimpleStatementLine) and isinstance(new, cst.SimpleStatementLine):
            pairs = zip(old.body, new.body, strict=True)
            left = [b for a, b in pairs if self._at(a) not in self.uses.statements]
            if not left:
                return [], []
            if len(left) < len(new.body):
                left[-1] = left[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
                new = new.with_changes(body=left)
        elif isinstance(old, cst.With) and isinstance(new, cst.With) and all(map(self._goes, old.items)):
            return _unwrapped(new.body, new.leading_lines)
        elif isinstance(old, cst.Try) and isinstance(new, cst.Try) and self._ends_empty(old):
            if not new.handlers:
                return _unwrapped(new.body, new.leading_lines)
            new = new.with_changes(finalbody=None)
        return [new], []

    def _ends_empty(self, node: cst.Try) -> bool:
        return node.finalbody is not None and node.finalbody.body in self.emptied


def _unwrapped(body: cst.BaseSuite, leading: _Lines) -> tuple[list[_Statement], list[cst.EmptyLine]]:
    """The statements of a block, the comments above and beside its head before them, and the comments at its end."""
    if isinstance(body, cst.SimpleStatementSuite):
        line = cst.SimpleStatementLine(body.body, leading_lines=leading, trailing_whitespace=body.trailing_whitespace)
        return [line], []
    assert isinstance(body, cst.IndentedBlock)
    beside = [cst.EmptyLine(comment=body.header.comment)] if body.header.comment else []
    first, *others = body.body
    lines = [*leading, *beside, *first.leading_lines]  # type: ignore[attr-defined]
    return [first.with_changes(leading_lines=lines), *others], list(body.footer)
