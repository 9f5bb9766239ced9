"""A file as a script: its statements one by one, and where it starts processes that would run it again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Start, TopStatement
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Tree, bound_names, walk

# Calls that start processes by the start method of `multiprocessing`, at once or with what they are called for.
_STARTERS = frozenset(
    [
        "multiprocessing.Process",
        "multiprocessing.process.Process",
        "multiprocessing.context.SpawnProcess",
        "multiprocessing.context.ForkServerProcess",
        "multiprocessing.Pool",
        "multiprocessing.pool.Pool",
        "multiprocessing.Manager",
        "multiprocessing.managers.SyncManager",
        "<mp_ctx>.Process",
        "<mp_ctx>.Pool",
        "<mp_ctx>.Manager",
        "<concurrent.futures.ProcessPoolExecutor>.submit",
        "<concurrent.futures.ProcessPoolExecutor>.map",
        "torch.multiprocessing.Process",
        "torch.multiprocessing.Pool",
        "torch.multiprocessing.Manager",
        "torch.multiprocessing.spawn",
        "torch.multiprocessing.start_processes",
        "torch.utils.data.DataLoader",
        "joblib.Parallel",
        "multiprocess.Process",
        "multiprocess.Pool",
        "tqdm.contrib.concurrent.process_map",
        "pebble.ProcessPool",
        "aiomultiprocess.Pool",
        "gymnasium.vector.AsyncVectorEnv",
        "stable_baselines3.common.vec_env.SubprocVecEnv",
    ]
)
# Where only an argument makes them start processes: its name, and the values under which they start none.
_ONLY_WITH = {
    "torch.utils.data.DataLoader": ("num_workers", ("", "0")),
    "joblib.Parallel": ("backend", ("", "'loky'", "'threading'", "'ray'", "'dask'", "'sequential'")),
}
# What does not change its arguments, of what is called by name: other functions may.
_LOOKING = (
    *("builtins.", "multiprocessing.", "concurrent.futures.", "functools.", "itertools.", "math.", "statistics."),
    *("json.", "pickle.", "copy.", "pprint.", "collections.", "os.path.", "time.", "logging.", "operator.itemgetter"),
)
_CHANGING = frozenset(["builtins.setattr", "builtins.delattr", "builtins.next", "builtins.vars", "builtins.exec"])
# Methods that leave their object as it is, whatever it is of.
_READING = frozenset(
    [
        *("items", "keys", "values", "get", "copy", "index", "count", "split", "rsplit", "splitlines", "join"),
        *("format", "strip", "lstrip", "rstrip", "lower", "upper", "title", "startswith", "endswith", "replace"),
        *("encode", "decode", "isdigit", "exists", "is_file", "is_dir", "read_text", "read_bytes", "with_name"),
        *("with_suffix", "joinpath", "match", "fullmatch", "search", "findall", "finditer", "sub", "debug", "info"),
        *("warning", "error", "exception", "critical", "log", "total_seconds", "union", "intersection", "difference"),
        *("issubset", "issuperset", "isdisjoint", "most_common"),
    ]
)

# What gives the same path, or the same file's.
_PATHS = frozenset(["pathlib.Path", "os.path.abspath", "os.path.realpath", "builtins.str", "os.fspath"])


# --- statements -----------------------------------------------------------------------------------------------------


def statements(tree: Tree, names: Names, flow: Flow) -> tuple[TopStatement, ...]:
    """The statements of a file, in their order."""
    kinds = [_kind(tree, s, i) for i, s in enumerate(tree.root.body)]
    made = _Made(tree, names, flow, working=bool({"guard", "work"} & set(kinds)))
    return tuple(made.statement(s, kind) for s, kind in zip(tree.root.body, kinds, strict=True))


class _Made:
    """Makes the facts of single statements; in detail where the file does work of its own."""

    def __init__(self, tree: Tree, names: Names, flow: Flow, working: bool) -> None:
        self.tree, self.names, self.flow, self.working = tree, names, flow, working
        self.renamed = _renames(tree)

    def statement(self, node: ast.stmt, kind: str) -> TopStatement:
        tree = self.tree
        decorators = getattr(node, "decorator_list", ())
        calls = [n for n in tree.within(node, ast.Call) if n not in decorators]
        globals_ = tree.within(node, ast.Global)
        read = [n for n in tree.within(node, ast.Name) if self._of_module(n)]
        loaded = [n for n in read if isinstance(n.ctx, ast.Load) and not self._asks_for_folder(n)]
        said = self._named_in_annotations(node) if self.working else ()
        plain = kind == "guard" and isinstance(node, ast.If) and not node.orelse and isinstance(node.test, ast.Compare)
        inner = node.body if plain and isinstance(node, ast.If) else []
        return TopStatement(
            span=tree.span(node),
            kind=kind,
            binds=tuple(dict.fromkeys(bound_names(node))),
            reads=tuple(sorted({n.id for n in loaded} | set(said))),
            calls=tuple(self.names.of(n.func) for n in calls if tree.function(n) is None),
            global_writes=tuple(sorted({name for n in globals_ for name in n.names})),
            renames=tuple(self.renamed.get(node, ())),
            early=tuple(sorted({n.id for n in loaded if tree.function(n) is None})) if self.working else (),
            changes=tuple(sorted({n.id for n in read if self._may_change(n)})) if self.working else (),
            inner=tuple(self.statement(s, _kind(tree, s, 1)) for s in inner),
        )

    def _of_module(self, node: ast.Name) -> bool:
        return isinstance(self.flow.owner(node, node.id), ast.Module)

    def _asks_for_folder(self, node: ast.Name) -> bool:
        """Whether it is a `__file__` of which no more than the folder counts, the same for every module in it."""
        if node.id != "__file__":
            return False
        at, parent = self._outward(node)
        if isinstance(parent, ast.Call) and self.names.of(parent.func) == "os.path.dirname":
            return True
        return isinstance(at, ast.Call) and isinstance(parent, ast.Attribute) and parent.attr in ("parent", "with_name")

    def _outward(self, node: ast.AST) -> tuple[ast.AST, ast.AST]:
        """The outermost path that is made of a path, and what is done with it."""
        at, parent = node, self.tree.parents[node]
        while True:
            made = isinstance(parent, ast.Call) and self.names.of(parent.func) in _PATHS and parent.args == [at]
            called = isinstance(parent, ast.Attribute) and parent.attr in ("resolve", "absolute")
            if called:
                parent = self.tree.parents[parent]
            if not made and not (called and isinstance(parent, ast.Call) and not parent.args):
                return at, parent
            at, parent = parent, self.tree.parents[parent]

    def _named_in_annotations(self, node: ast.stmt) -> Iterator[str]:
        """The names of the module in annotations that are strings: whoever asks for type hints evaluates them."""
        bound = self.names.bindings.get(self.tree.root, {})
        inside = self.tree.within(node, ast.arg, ast.AnnAssign, *FUNCTIONS)
        for one in inside:
            said = one.returns if isinstance(one, FUNCTIONS) else one.annotation  # type: ignore[attr-defined]
            for text in walk(said) if said is not None else ():
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield from (word for word in re.findall(r"[^\W\d]\w*", text.value) if word in bound)

    def _may_change(self, node: ast.Name) -> bool:
        """Whether what a name stands for may be changed where it stands: set in, called on, or handed on.

        Calling and handing on a definition or a module changes nothing in it; the environment is every process's.
        """
        if not isinstance(node.ctx, ast.Load) or node.id not in self.names.bindings.get(self.tree.root, {}):
            return False
        at: ast.AST = node
        parent = self.tree.parents[at]
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is at:
            if not isinstance(parent.ctx, ast.Load):
                return self.names.of(at) != "os.environ"
            at, parent = parent, self.tree.parents[parent]
        if isinstance(parent, ast.keyword):
            at, parent = parent, self.tree.parents[parent]
        callee = self.names.of(parent.func) if isinstance(parent, ast.Call) else ""
        if node.id in self._fixed:
            return callee in ("builtins.setattr", "builtins.delattr") and parent.args[:1] == [at]  # type: ignore[attr-defined]
        if isinstance(parent, ast.Call) and parent.func is at:
            return isinstance(at, ast.Attribute) and at.attr not in _READING
        if isinstance(parent, ast.Call):
            return callee in _CHANGING or not callee.startswith(_LOOKING)
        return isinstance(parent, (ast.Assign, ast.AnnAssign)) and parent.value is at  # another name for it

    @cached_property
    def _fixed(self) -> frozenset[str]:
        """The names of the module's definitions and imports."""
        kinds = (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)
        bound = self.names.bindings.get(self.tree.root, {})
        return frozenset(n for n, values in bound.items() if all(isinstance(v, kinds) for v in values))


def _renames(tree: Tree) -> dict[ast.stmt, list[str]]:
    """The variables whose names are set, `f.__name__ = ...`, by the module-level statement that does it."""
    found: dict[ast.stmt, list[str]] = {}
    for node in tree.ordered([*tree.attributes("__name__"), *tree.attributes("__qualname__")]):
        if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.setdefault(tree.top(node), []).append(node.value.id)
    return found


def _kind(tree: Tree, statement: ast.stmt, index: int) -> str:
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return "future"
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return "import"
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return "definition"
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return "assignment"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return "docstring" if index == 0 else "assignment"
    if is_guard(statement):
        return "guard"
    if isinstance(statement, (ast.Try, ast.If)):
        inner = [s for s in walk(statement) if isinstance(s, ast.stmt) and isinstance(tree.scope(s), ast.Module)]
        plain = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, *FUNCTIONS, ast.ClassDef, ast.Pass)
        return "import" if all(isinstance(s, (*plain, ast.Try, ast.If)) for s in inner) else "work"
    return "work"


def is_guard(statement: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":` in any spelling, with other conditions or without."""
    return isinstance(statement, ast.If) and _asks(statement.test)


def _asks(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(map(_asks, test.values))
    if not isinstance(test, ast.Compare) or not all(isinstance(op, (ast.Eq, ast.In, ast.Is)) for op in test.ops):
        return False
    sides = [test.left, *test.comparators]
    named = any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides)
    return named and any(isinstance(n, ast.Constant) and n.value == "__main__" for s in sides for n in walk(s))


# --- processes ------------------------------------------------------------------------------------------------------


def starts(tree: Tree, names: Names, flow: Flow) -> Iterator[Start]:
    """Every call that starts processes in which the file may be imported again."""
    if not names.may_mean(_STARTERS):
        return
    normal = catalogue().normal
    for call in tree.of(ast.Call):
        symbol = names.of(call.func)
        known = symbol if symbol in _STARTERS else normal(symbol)
        if known in _STARTERS:
            given = dict(flow.literals(call))
            keyword, idle = _ONLY_WITH.get(known, ("", ()))
            if given.get(keyword, "") not in idle:
                called = re.sub(r"[<>]", "", known.replace("<mp_ctx>", "multiprocessing"))
                yield Start(called, _method(flow, call, given), call.lineno)


def _method(flow: Flow, call: ast.Call, given: dict[str, str]) -> str:
    """The start method that a call is given with its context, where that is a constant."""
    for keyword in call.keywords:
        if keyword.arg in ("mp_context", "context") and (made := flow.expression_behind(keyword.value)) is not None:
            return dict(flow.literals(made)).get("0", "")
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = flow.expression_behind(receiver) if receiver is not None else None
    if isinstance(made, ast.Call) and any(k.arg == "mp_context" for k in made.keywords):
        return _method(flow, made, {})
    return given.get("context", "")
