"""Where a file uses names that a library took away, moved, or gave other arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import Reference
from fixpickle.survey.moved import behind, moved
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree

FOLDER = "checkpoint_dir"
HANDED_IN = f"ray.tune.trainable.{FOLDER}"
"""The parameter in which Ray Tune handed a function the folder of the checkpoint to go on from."""

_TUNERS = frozenset({"ray.tune.Tuner", "ray.tune.run", "ray.tune.RunConfig"})
_SETTINGS = frozenset({"ray.train.RunConfig", "ray.air.RunConfig"})


def moved_names(tree: Tree, names: Names) -> Iterator[Reference]:
    """Every use of such a name in the old form, the whole dotted expression, with the function it stands in.

    Of an argument it is the whole `name=value`, with the value where that is constant.
    """
    libraries = {name.partition(".")[0] for name in moved()}
    if not any(fact.target.partition(".")[0] in libraries for fact in names.imports):
        return
    yield from _handed_in(tree)
    found: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute)
    for node in found:
        parent = tree.parents[node]
        if not isinstance(node.ctx, ast.Load) or isinstance(parent, ast.Attribute):
            continue
        symbol = names.of(node)
        known = behind(symbol) if symbol else None
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        if call is not None:
            yield from _arguments(tree, call, symbol)
        if known is None:
            continue
        keywords = ["" for _ in call.args] + [k.arg or "**" for k in call.keywords] if call is not None else []
        if known.means(call is not None, keywords) and (known.inside != "tuner" or _for_tuner(tree, names, parent)):
            function = tree.function(node)
            around = tree.qualname(function) if function is not None else ""
            yield Reference(symbol, tree.span(node), call is not None, around, tuple(keywords))


def _for_tuner(tree: Tree, names: Names, node: ast.AST) -> bool:
    """Whether a call is written where Tune is given its settings, alone or inside another one of them."""
    keyword = tree.parents.get(node)
    around = tree.parents[keyword] if isinstance(keyword, ast.keyword) else None
    if not isinstance(node, ast.Call) or not isinstance(around, ast.Call):
        return False
    symbol = names.of(around.func)
    return symbol in _TUNERS or (symbol in _SETTINGS and _for_tuner(tree, names, around))


def _arguments(tree: Tree, call: ast.Call, symbol: str) -> Iterator[Reference]:
    """The arguments of a call that went."""
    for keyword in call.keywords:
        known = moved().get(f"{symbol}({keyword.arg})")
        value = repr(keyword.value.value) if isinstance(keyword.value, ast.Constant) else ""
        if known is not None and value not in known.taken:
            yield Reference(known.name, tree.span(keyword), True, value)


def _handed_in(tree: Tree) -> Iterator[Reference]:
    """The parameters `checkpoint_dir` of functions that do not ask for a checkpoint, each with its function's name."""
    functions: list[Function] = tree.of(*FUNCTIONS)
    for function in functions:
        by_name = [a for a in (*function.args.args[1:], *function.args.kwonlyargs) if a.arg == FOLDER]
        if by_name and tree.method_class(function) is None and not _asks(tree, function):
            yield Reference(HANDED_IN, tree.span(by_name[0]), False, tree.qualname(function))


def _asks(tree: Tree, function: Function) -> bool:
    used: list[ast.Name | ast.Attribute] = tree.within(function, ast.Name, ast.Attribute)
    return any(getattr(n, "attr", getattr(n, "id", "")) == "get_checkpoint" for n in used)
