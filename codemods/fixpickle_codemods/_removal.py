"""The strategy remove: the lock goes, and with it every `with`, `acquire` and `release` on it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

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
    from fixpickle_codemods._without import without

    path, made = case.finding.path, case.made
    if reason := _kept_elsewhere(case):
        return Refusal(path, reason)
    uses = _uses(case)
    if isinstance(uses, str):
        return Refusal(path, uses)
    new = without(case.source.text, uses.items, uses.statements)
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
    family = project.family(case.facts, case.made.cls)
    tree = Tree(case.shop.sources[facts.path])
    names = Names(tree, facts.module, facts.package)
    for node in tree.nodes:
        if isinstance(node, ast.Constant) and node.value == name:
            yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr == name:
            owner = names.instance_class(node.value)
            cls = tree.qualname(owner) if owner is not None else ""
            symbol = f"{facts.module}.{cls}"
            if symbol != own and (not cls or symbol in family):
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
