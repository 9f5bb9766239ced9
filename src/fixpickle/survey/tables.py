"""The compiler's own symbol tables, told apart by the definitions of a file that they are of."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

from fixpickle.survey.tree import CALLABLES, Comprehension, Tree, children, parameters, walk

_FUTURE = "from __future__ import annotations\n"


class Tables:
    """The tables of one file. They cost a second parse of the statements that are asked about."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._paired: dict[ast.AST, symtable.SymbolTable | None] = {}
        self._compiled: dict[ast.stmt, dict[tuple[str, int], list[symtable.SymbolTable]]] = {}

    def of(self, node: ast.AST) -> symtable.SymbolTable | None:
        """The compiler's own table for a function, lambda or class, where it can be told which is whose."""
        if node not in self._paired:
            self._paired[node] = self._of(node)
        return self._paired[node]

    def _of(self, node: ast.AST) -> symtable.SymbolTable | None:
        if not isinstance(node, (*CALLABLES, ast.ClassDef)):
            return None
        name = "lambda" if isinstance(node, ast.Lambda) else node.name
        return _only(node, self._tables(self.tree.top(node)).get((name, node.lineno), []))

    def _tables(self, top: ast.stmt) -> dict[tuple[str, int], list[symtable.SymbolTable]]:
        """The tables below one module-level statement by name and line.

        What its functions read of one another, no other statement decides: the compiler need not see the whole file.
        """
        if top not in self._compiled:
            found = self._compiled[top] = {}
            span, future = self.tree.span(top), _FUTURE if self.tree.lazy_annotations else ""
            pending = [
                symtable.symtable(future + self.tree.text[span.start : span.end], str(self.tree.source.path), "exec")
            ]
            before = span.line - 1 - future.count("\n")
            for each in pending:
                pending.extend(each.get_children())
                name = each.get_name().strip("<>")  # a lambda's is `lambda` up to Python 3.14, `<lambda>` from 3.15
                found.setdefault((name, each.get_lineno() + before), []).append(each)
        return self._compiled[top]


def _only(node: ast.AST, tables: list[symtable.SymbolTable]) -> symtable.SymbolTable | None:
    """The one table that can be the node's. Several lambdas on one line are told apart by parameters and captures."""
    fitting = [t for t in tables if t.get_type() in ("function", "class") and _fits(node, t)]
    if not fitting:
        return None
    first = free_names(fitting[0])
    return fitting[0] if all(free_names(t) == first for t in fitting) else None


def _fits(node: ast.AST, table: symtable.SymbolTable) -> bool:
    if isinstance(node, ast.ClassDef):
        return isinstance(table, symtable.Class)
    if not isinstance(table, symtable.Function) or not isinstance(node, CALLABLES):
        return False
    if set(table.get_parameters()) != set(parameters(node)):
        return False
    body = node.body if isinstance(node, ast.Lambda) else None
    if body is None:
        return True
    read = {n.id for n in walk(body) if isinstance(n, ast.Name)}
    names = {s.get_name() for s in table.get_symbols()}
    return names - {"__class__", *parameters(node)} <= read and names >= set(_read_directly(body))


def _read_directly(body: ast.expr) -> Iterator[str]:
    """Names that a lambda's body reads outside of scopes of its own: its table is sure to have them."""
    pending: list[ast.AST] = [body]
    for node in pending:
        if isinstance(node, ast.Name):
            yield node.id
        elif not isinstance(node, (ast.Lambda, *Comprehension)):
            pending += children(node)


def free_names(table: symtable.SymbolTable) -> frozenset[str]:
    """The names that a function or class reads from functions around it.

    What a class binds in its body its methods do not see: a name may be a class's own and yet be free in its methods.
    """
    found = {s.get_name() for s in table.get_symbols() if s.is_free()}
    if isinstance(table, symtable.Class):
        found.update(*map(free_names, table.get_children()))
    return frozenset(found)
