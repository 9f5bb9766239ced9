"""Classes that Ray Tune runs: where the whole dictionary of an instance goes into its checkpoint."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import Reference
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree

SAVING = "save_checkpoint"
WHOLE = "self.__dict__"
"""What such a place is referred to by, however it is written."""

_RAYS_OWN = "_monitor"
"""The attribute of every trainable that cannot be pickled: its name is there where a class leaves it out."""

_COPIES = frozenset({"builtins.dict", "copy.copy", "copy.deepcopy"})
_PICKLERS = frozenset(
    f"{module}.{function}"
    for module in ("pickle", "cloudpickle", "ray.cloudpickle", "dill", "joblib")
    for function in ("dump", "dumps")
) | {"torch.save"}


def whole_states(tree: Tree, names: Names) -> Iterator[Reference]:
    """Every `self.__dict__`, `vars(self)` or `self` that a `save_checkpoint` hands on, with the name of its class.

    Not where parts are taken out of it: `self.__dict__["x"]`, `self.__dict__.items()`, `self.x`.
    """
    functions: list[Function] = tree.of(*FUNCTIONS)
    for function in functions:
        cls = tree.method_class(function)
        if function.name != SAVING or cls is None or _leaves_out(tree, function):
            continue
        for name in tree.within(function, ast.Name):
            if names.instance_class(name) is cls and isinstance(name.ctx, ast.Load):
                whole = _whole(tree, names, name)
                if whole is not None and _handed_on(tree, names, whole):
                    yield Reference(WHOLE, tree.span(whole), False, tree.qualname(cls))


def _whole(tree: Tree, names: Names, name: ast.Name) -> ast.expr | None:
    """The expression for all that the instance keeps, which a `self` stands in; None where it is for less."""
    parent = tree.parents[name]
    if isinstance(parent, ast.Attribute):
        return parent if parent.attr == "__dict__" else None
    if isinstance(parent, ast.Call) and names.of(parent.func) == "builtins.vars":
        return parent
    return name


def _handed_on(tree: Tree, names: Names, whole: ast.expr) -> bool:
    parent = tree.parents[whole]
    if isinstance(parent, ast.Attribute):
        return parent.attr == "copy"
    if isinstance(parent, ast.Dict):
        return whole in parent.values
    if isinstance(parent, ast.Call) and parent.args[:1] == [whole]:
        return names.of(parent.func) in _PICKLERS or (
            not isinstance(whole, ast.Name) and names.of(parent.func) in _COPIES
        )
    return isinstance(parent, ast.Return) and not isinstance(whole, ast.Name)


def _leaves_out(tree: Tree, function: Function) -> bool:
    return any(constant.value == _RAYS_OWN for constant in tree.within(function, ast.Constant))
