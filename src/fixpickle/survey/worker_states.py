"""Where a file sets configuration that joblib's workers do not get."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixpickle.survey.facts import StateSet
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree

# What is called, by the library whose state it sets.
_CALLS = {
    **dict.fromkeys(("sklearn.set_config", "sklearn.config_context"), "sklearn"),
    **dict.fromkeys(("pandas.set_option", "pandas.option_context"), "pandas"),
    **dict.fromkeys((f"numpy.{n}" for n in ("seterr", "seterrcall", "errstate")), "numpy"),
    **dict.fromkeys((f"numpy.{n}" for n in ("set_printoptions", "printoptions")), "numpy"),
    **dict.fromkeys((f"warnings.{n}" for n in ("filterwarnings", "simplefilter", "resetwarnings")), "warnings"),
    **dict.fromkeys(("logging.basicConfig", "logging.disable", "logging.getLogger().setLevel"), "logging"),
    **dict.fromkeys(("logging.config.dictConfig", "logging.config.fileConfig"), "logging"),
    **dict.fromkeys(("decimal.setcontext", "decimal.localcontext"), "decimal"),
    **dict.fromkeys(("socket.setdefaulttimeout", "sys.setrecursionlimit", "locale.setlocale"), ""),
    **dict.fromkeys((f"torch.{n}" for n in ("set_grad_enabled", "set_default_dtype", "no_grad")), ""),
    **dict.fromkeys(("torch.use_deterministic_algorithms", "torch.set_default_device"), ""),
}
# What is assigned to.
_ATTRIBUTES = {"decimal.getcontext().": "decimal", "pandas.options.": "pandas"}
_OWNERS = frozenset(start.partition(".")[0] for start in _ATTRIBUTES)
_LAST = frozenset(symbol.rpartition(".")[2] for symbol in _CALLS)


def worker_states(tree: Tree, names: Names) -> Iterator[StateSet]:
    """Every place that sets such configuration, for good or for a block."""
    tops = {names.module.partition(".")[0], *(fact.target.partition(".")[0] for fact in names.imports)}
    if not tops & _OWNERS and not names.may_mean(_CALLS):
        return
    words = _LAST | {fact.local for fact in names.imports if fact.target in _CALLS}
    uses: list[ast.Name | ast.Attribute] = tree.of(ast.Name, ast.Attribute)
    for node in uses:
        word = node.id if isinstance(node, ast.Name) else node.attr
        if isinstance(node.ctx, ast.Store) and isinstance(node, ast.Attribute):
            symbol = names.of(node.value)
            for start, library in _ATTRIBUTES.items():
                if f"{symbol}.".startswith(start):
                    yield StateSet(library, f"{symbol}.{node.attr}", tree.span(node).line)
        elif word in words and isinstance(node.ctx, ast.Load):
            symbol = names.of(node)
            if symbol in _CALLS and _called(tree, node):
                yield StateSet(_CALLS[symbol], symbol, tree.span(node).line)


def _called(tree: Tree, node: ast.AST) -> bool:
    parent = tree.parents[node]
    return isinstance(parent, ast.Call) and parent.func is node
