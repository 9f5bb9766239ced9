"""What a loop or comprehension takes out of the list that it goes through."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree, walk

_LISTS = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp)
_LIKE = frozenset({*map("builtins.{}".format, ("list", "tuple", "set", "frozenset")), "collections.deque"})
_PASSING_ON = frozenset({*_LIKE, *map("builtins.{}".format, ("zip", "iter", "enumerate", "reversed", "sorted"))})
"""Calls that give what their arguments hold; `enumerate` puts a number first."""

_SEQUENCES = frozenset(
    {
        *(*_LIKE, "typing.List", "typing.Tuple", "typing.Set", "typing.Sequence", "typing.Iterable"),
        *("collections.abc.Sequence", "collections.abc.Iterable", "collections.abc.Collection"),
    }
)
"""Annotations of what holds items; others may be mappings, which give their keys."""


class Loops:
    """Tells lists, whose items a loop is given, from dictionaries, whose keys it is."""

    def __init__(self, tree: Tree, names: Names, variables: Variables) -> None:
        self.tree, self.names, self.variables = tree, names, variables

    def targets(self, loop: ast.For | ast.comprehension, node: ast.AST) -> Sequence[ast.expr]:
        """The names that are given what is in `node`, which the loop goes through; none where that may be keys."""
        if node is not loop.iter or not self._lists(loop.iter, loop):
            return ()
        found = list(_parts(loop.target))
        return found[1:] if len(found) > 1 and self._numbered(loop.iter) else found

    def _numbered(self, node: ast.expr) -> bool:
        """Whether the first of what a loop is given at once is a number, or the key of a dictionary's item."""
        if not isinstance(node, ast.Call):
            return False
        items = isinstance(node.func, ast.Attribute) and node.func.attr == "items"
        return items or self.names.of(node.func) == "builtins.enumerate"

    def _lists(self, node: ast.AST, loop: ast.For | ast.comprehension) -> bool:
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("values", "items"):
                return True
            passed_on = self.names.of(node.func) in _PASSING_ON
            return passed_on and all(self._lists(argument, loop) for argument in node.args)
        if isinstance(node, ast.Starred):
            return self._lists(node.value, loop)
        values: Sequence[ast.AST] = ()
        if isinstance(node, ast.Name):
            values = self.variables.values(node)
            if self._looked_up(node, loop):
                return False
        elif isinstance(node, ast.Attribute) and (cls := self.names.instance_class(node.value)) is not None:
            values = self.names.attribute_values(cls).get(node.attr, [])
        else:
            return isinstance(node, _LISTS)
        return bool(values) and all(self._holds_items(value) for value in values)

    def _holds_items(self, value: ast.AST) -> bool:
        if isinstance(value, ast.arg):
            note = value.annotation
            note = note.value if isinstance(note, ast.Subscript) else note
            return note is None or self.names.of(note) in _SEQUENCES
        if isinstance(value, ast.Call):
            return self.names.of(value.func) in _PASSING_ON
        empty = isinstance(value, ast.Constant) and value.value is None
        return empty or isinstance(value, _LISTS)

    def _looked_up(self, iterated: ast.Name, loop: ast.For | ast.comprehension) -> bool:
        """Whether what a loop is given is looked up in what it goes through: `table[key]` for each key of it."""
        given = {part.id for part in _parts(loop.target) if isinstance(part, ast.Name)}
        for use in self.variables.uses(iterated):
            parent = self.tree.parents[use]
            key = parent.slice if isinstance(parent, ast.Subscript) and parent.value is use else None
            if key is not None and any(isinstance(n, ast.Name) and n.id in given for n in walk(key)):
                return True
            if isinstance(parent, ast.Attribute) and parent.attr in ("keys", "values", "items"):
                return True
        return False


def _parts(target: ast.expr) -> Iterator[ast.expr]:
    """The single targets of `a, (b, *c)`."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _parts(element)
    else:
        yield target.value if isinstance(target, ast.Starred) else target
