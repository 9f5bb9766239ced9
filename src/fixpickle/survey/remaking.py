"""Whether an expression can be evaluated once more, later, from what the instance keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fixpickle.survey.flow import Flow
from fixpickle.survey.folding import folded
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Comprehension, Tree, walk

_PURE = ("os.path.", "pathlib.", "builtins.str", "builtins.int", "builtins.bool", "os.fspath", "os.cpu_count")


@dataclass(frozen=True, slots=True)
class Remade:
    """The expression as any method can write it, and the attributes it reads; or what is in the way."""

    code: str
    obstacle: str = ""
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    tree: Tree
    names: Names
    flow: Flow
    cls: ast.ClassDef
    method: ast.AST | None


def remade(tree: Tree, names: Names, flow: Flow, cls: ast.ClassDef, value: ast.AST, made: ast.AST) -> Remade:
    """What makes the value anew. `made` is the expression that makes `value`, which is assigned to the attribute."""
    method = tree.function(value)
    if isinstance(value, ast.Name) and value is made:
        return _module(tree, names, flow, value, method)
    if not isinstance(method, FUNCTIONS) or tree.method_class(method) is not cls or method.name != "__init__":
        return Remade("", f"it is made in {getattr(method, 'name', 'a function')}, whenever that is called")
    if any(isinstance(a, (ast.If, ast.For, ast.While, ast.Try, ast.With)) for a in _around(tree, value, method)):
        return Remade("", "it is made under a condition")
    uses = flow.variables.loads(method, getattr(value, "id", ""))
    if made is not value and any(use is not value for use in uses):
        return Remade("", "it is set up in further statements")
    assigned = tree.parents[value]
    if isinstance(assigned, ast.Assign) and len(assigned.targets) > 1:
        return Remade("", "one object is assigned to several names")
    place = _Place(tree, names, flow, cls, method)
    changes: list[tuple[int, int, str]] = []
    reads: list[str] = []
    start = tree.span(made).start
    for node in walk(made):
        found = _replaced(place, node, made)
        if isinstance(found, Remade):
            return found
        if found:
            span = tree.span(node)
            changes.append((span.start - start, span.end - start, f"self.{found}"))
            reads.append(found)
    code = tree.code(made)
    for begin, end, text in sorted(changes, reverse=True):
        code = code[:begin] + text + code[end:]
    code = folded(code)
    return Remade(code, "" if code else "a string in it goes over several lines", tuple(dict.fromkeys(reads)))


def _module(tree: Tree, names: Names, flow: Flow, value: ast.Name, method: ast.AST | None) -> Remade:
    """A module by the name that the file has for it, or by its own where only a function imports it."""
    plain = getattr(method, "name", "") == "__init__" and isinstance(tree.parents[tree.statement(value)], FUNCTIONS)
    if not plain:
        return Remade("", "it is set somewhere else than in the constructor, or under a condition")
    own = isinstance(flow.variables.owner(value, value.id), ast.Module)
    return Remade(value.id if own else f"import_module({names.of(value)!r})".replace("'", '"'))


def _around(tree: Tree, value: ast.AST, method: ast.AST) -> Iterator[ast.AST]:
    for ancestor in tree.ancestors(value):
        if ancestor is method:
            return
        yield ancestor


def _replaced(place: _Place, node: ast.AST, made: ast.AST) -> str | Remade:
    """The attribute that a node is to be read from, empty for one that can stay, or what is in the way."""
    if isinstance(node, (ast.Lambda, ast.Await, ast.NamedExpr, ast.Starred, *Comprehension)):
        return Remade("", "it is made by more than a plain call")
    if isinstance(node, ast.Call) and node not in (made, getattr(made, "func", None)):
        symbol = place.names.of(node.func)
        fresh = symbol.removesuffix("()").startswith(_PURE)
        return "" if fresh else Remade("", f"{ast.unparse(node)} may give something else the next time")
    if isinstance(node, ast.Attribute) and place.names.instance_class(node.value) is place.cls:
        return _of_self(place, node, made)
    if not isinstance(node, ast.Name):
        return ""
    if place.names.instance_class(node) is place.cls:
        return _only_self(place, node)
    scope = place.flow.variables.owner(node, node.id)
    if isinstance(scope, ast.Module):
        return ""
    return _kept_as(place, node.id) or Remade("", f"`{node.id}` is not kept on the instance as it was given")


def _only_self(place: _Place, node: ast.Name) -> str | Remade:
    if not isinstance(place.tree.parents[node], ast.Attribute):
        return Remade("", "it is made from the whole instance")
    return "" if node.id == "self" else Remade("", f"its methods call the instance `{node.id}`")


def _of_self(place: _Place, node: ast.Attribute, made: ast.AST) -> str | Remade:
    """A method of the class, or an attribute that is set once, by the constructor itself."""
    if any(isinstance(s, FUNCTIONS) and s.name == node.attr for s in place.cls.body):
        parent = place.tree.parents[node]
        called = isinstance(parent, ast.Call) and node is parent.func
        return Remade("", f"self.{node.attr}() may give something else the next time") if called else ""
    if not _set_once(place, node.attr):
        return Remade("", f"self.{node.attr} may have changed since")
    return node.attr


def _kept_as(place: _Place, name: str) -> str:
    """The attribute that keeps a parameter as it was given: `self.path = path`, and neither is ever set again."""
    bound = place.names.bindings.get(place.method, {}).get(name, []) if place.method is not None else []
    if len(bound) != 1 or not isinstance(bound[0], ast.arg):
        return ""
    for attribute, values in place.names.attribute_values(place.cls).items():
        if len(values) == 1 and isinstance(values[0], ast.Name) and values[0].id == name:
            own = place.tree.function(values[0]) is place.method
            if own and _set_once(place, attribute) and _unconditional(place, values[0]):
                return attribute
    return ""


def _unconditional(place: _Place, value: ast.AST) -> bool:
    return isinstance(place.tree.parents[place.tree.statement(value)], FUNCTIONS)


def _set_once(place: _Place, attribute: str) -> bool:
    values = place.names.attribute_values(place.cls).get(attribute, [])
    if len(values) != 1 or getattr(place.tree.function(values[0]), "name", "") != "__init__":
        return False
    stores = [n for n in place.tree.attributes(attribute) if not isinstance(n.ctx, ast.Load) and _may_be(place, n)]
    return len(stores) == 1 and _unconditional(place, values[0])


def _may_be(place: _Place, node: ast.Attribute) -> bool:
    """Whether the attribute may be one of the class' instances: it is not that of an unrelated class of the file."""
    owner = place.names.instance_class(node.value)
    if owner is None or owner is place.cls:
        return True
    symbols = {place.names.of_base(base) for base in owner.bases}
    return bool(symbols) and not symbols <= {"builtins.object"}
