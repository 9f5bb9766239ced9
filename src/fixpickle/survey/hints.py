"""The words that a person would name a definition after: those of what it is given to, where it has no name itself."""

from __future__ import annotations

import ast

from fixpickle.survey.facts import ToParameter
from fixpickle.survey.flow import Flow
from fixpickle.survey.flow.callees import CARRIERS, LOOKUPS
from fixpickle.survey.flow.stores import FIELDS
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree

_WRAPPERS = frozenset({"builtins.staticmethod", "builtins.classmethod", "builtins.property", "functools.lru_cache"})


class Hints:
    """Finds such words in one file."""

    def __init__(self, tree: Tree, names: Names, flow: Flow) -> None:
        self.tree, self.names, self.flow = tree, names, flow

    def of(self, node: ast.AST) -> str:
        """The words for a definition: the variable, keyword, attribute, key or parameter it is given to."""
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return node.name
        made = ""  # it makes what the words around it are about, or what that makes
        for parent in self.tree.ancestors(node):
            word = self._word(parent, node)
            if word:
                return word if word.endswith(("default", "factory")) else f"{word}{made}"
            if isinstance(parent, ast.stmt):
                break
            if isinstance(parent, ast.Call) and self.names.of(parent.func) == "collections.defaultdict":
                made = "_inner_default" if made else "_default"
            node = parent
        return "inner" if made else "function"

    def _word(self, parent: ast.AST, node: ast.AST) -> str:
        """What `parent` says about `node` that stands in it, or an empty string."""
        if isinstance(parent, ast.keyword) and parent.arg:
            call = self.tree.parents[parent]
            declares = isinstance(call, ast.Call) and self.names.of(call.func) in FIELDS
            return parent.arg if parent.arg != "default" and not declares else ""
        if isinstance(parent, ast.Dict):
            key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), None)
            return _identifier(key)
        if isinstance(parent, (ast.Tuple, ast.List)):
            beside = next(filter(None, map(_identifier, parent.elts[: parent.elts.index(node)])), "")  # type: ignore[arg-type]
            statement = self.tree.statement(parent)
            table = last_word(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
            return f"{table}_{beside}" if beside and table else beside
        if isinstance(parent, ast.arguments):
            function = self.tree.parents[parent]
            name = next((s.parameter for s in self.flow.of(node) if isinstance(s, ToParameter)), "default")
            around = getattr(function, "name", "")
            return name if around.startswith("__") or not around else f"{around}_{name}"
        if isinstance(parent, ast.Call) and node is not parent.func:
            if self.names.of(parent.func) in (CARRIERS | _WRAPPERS) or last_word(parent.func) in LOOKUPS:
                return ""
            return last_word(parent.func) if node in parent.args else "factory"
        if isinstance(parent, (ast.Assign, ast.AnnAssign)):
            return last_word(parent.targets[0] if isinstance(parent, ast.Assign) else parent.target)
        return ""


def _identifier(node: ast.AST | None) -> str:
    """The value of a constant that can stand in a name, or an empty string."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and value.isidentifier() else ""


def last_word(node: ast.AST) -> str:
    """The name at the end of an expression: `c` of `a.b.c[0]`; "function" where there is none."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "function"
