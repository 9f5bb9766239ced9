"""The classes of one family that set an attribute on their instances."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.model import Source
from fixpickle.rule import Workshop
from fixpickle.survey.facts import Facts
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree


def other_setters(shop: Workshop, facts: Facts, cls: str, attribute: str, target: str = "") -> Iterator[str]:
    """The other classes of the family of `cls` whose methods set the attribute to anything but a new `target`."""
    family = shop.project.family(facts, cls)
    for other in shop.project.files if family else ():
        for one in other.classes:
            kin = f"{other.module}.{one.name}" in family
            if kin and _sets(shop.sources[other.path], other, one.name, attribute, target):
                yield one.name


def _sets(source: Source, facts: Facts, cls: str, attribute: str, target: str) -> bool:
    """Whether methods of the class set the attribute to anything but a new `target`."""
    tree = Tree(source)
    names = Names(tree, facts.module, facts.package)
    for node in tree.nodes:
        if isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.ctx, ast.Store):
            owner = names.instance_class(node.value)
            statement = tree.parents[node]
            value = statement.value if isinstance(statement, ast.Assign) else None
            # What is called by no known name is another thing, also where any value is asked for.
            same = bool(target) and isinstance(value, ast.Call) and not value.args and names.of(value.func) == target
            if owner is not None and tree.qualname(owner) == cls and not same:
                return True
    return False
