"""Private names: in the body of a class `Owner`, `__name` means `_Owner__name`.

The Python Language Reference, 6.2.1: Private name mangling.
"""

from __future__ import annotations

import ast

from fixpickle.model import Span
from fixpickle.survey.tree import Tree


def is_private(name: str) -> bool:
    """Whether a class mangles the name."""
    return name.startswith("__") and not name.endswith("__")


def mangled(name: str, cls: str) -> str:
    """What a name, as it is written in the body of the class of that name or qualified name, is stored under."""
    owner = cls.rpartition(".")[2].lstrip("_")
    return f"_{owner}{name}" if is_private(name) and owner else name


def private_attribute(tree: Tree, node: ast.AST, cls: ast.ClassDef) -> tuple[Span, str] | None:
    """Where the attribute's name in `x.__name` stands, and what the body of `cls` makes of it: `_Owner__name`.

    None for anything else, and in the body of another class.
    """
    if not isinstance(node, ast.Attribute) or not is_private(node.attr) or tree.class_around(node) is not cls:
        return None
    name, end = mangled(node.attr, cls.name), tree.span(node).end
    start = end - len(node.attr)
    if tree.text[start:end] != node.attr or name == node.attr:
        return None
    return Span(start, end, *tree.position(start)), name
