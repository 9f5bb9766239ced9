"""A file as a script: its statements one by one, and where it starts processes that would run it again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.changes import Changes
from fixpickle.survey.facts import Start, TopStatement, changed
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_names, walk

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
# What gives the same path, or the same file's.
_PATHS = frozenset(["pathlib.Path", "os.path.abspath", "os.path.realpath", "builtins.str", "os.fspath"])

_ORDERING = frozenset(f"builtins.{n}" for n in ("list", "tuple", "enumerate", "iter", "zip", "map", "str.join", "dict"))


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
        self.changed = Changes(tree, names)

    def statement(self, node: ast.stmt, kind: str) -> TopStatement:
        tree = self.tree
        read = self.flow.variables.of_module(tree.within(node, ast.Name))
        loaded = [n for n in read if type(n.ctx) is ast.Load and not (n.id == "__file__" and self._asks_for_folder(n))]
        plain = kind == "guard" and isinstance(node, ast.If) and not node.orelse and isinstance(node.test, ast.Compare)
        inner = node.body if plain and isinstance(node, ast.If) else []
        found = TopStatement(
            span=tree.span(node),
            kind=kind,
            binds=() if kind == "annotation" else tuple(dict.fromkeys(bound_names(node))),
            reads=tuple(sorted({n.id for n in loaded})),
            calls=tuple(self._calls(node)),
            global_writes=tuple(sorted({name for n in tree.within(node, ast.Global) for name in n.names})),
            renames=tuple(self.renamed.get(node, ())),
            inner=tuple(self.statement(s, _kind(tree, s, 1)) for s in inner),
        )
        return self._detailed(node, found, read, loaded) if self.working else found

    def _detailed(
        self, node: ast.stmt, found: TopStatement, read: list[ast.Name], loaded: list[ast.Name]
    ) -> TopStatement:
        """What only the parts of a script are told by."""
        definitions: list[Function | ast.ClassDef] = self.tree.within(node, *FUNCTIONS, ast.ClassDef)
        decorators = [d for definition in definitions for d in definition.decorator_list]
        return changed(
            found,
            reads=tuple(sorted({*found.reads, *self._named_in_annotations(node)})),
            early=tuple(sorted({n.id for n in loaded if self.tree.function(n) is None})),
            changes=tuple(sorted(self.changed.names_in(node, read))),
            decorators=tuple(n.id for d in decorators for n in self.tree.within(d, ast.Name)),
            constructs=tuple(self._constructs(node)) if isinstance(node, (ast.ClassDef, *FUNCTIONS)) else (),
            hands=tuple(sorted({n.id for n in loaded if n.id in self._defined and not self._is_called(n)})),
        )

    @cached_property
    def _defined(self) -> frozenset[str]:
        return frozenset(s.name for s in self.tree.root.body if isinstance(s, (*FUNCTIONS, ast.ClassDef)))

    def _is_called(self, node: ast.Name) -> bool:
        """Whether it is called, and not in a lambda or a local function, which may be handed on in its place."""
        parent, around = self.tree.parents[node], self.tree.function(node)
        local = around is not None and not isinstance(self.tree.scope(around), (ast.Module, ast.ClassDef))
        within = local or isinstance(around, ast.Lambda)
        return isinstance(parent, ast.Call) and parent.func is node and not within

    def _calls(self, node: ast.stmt) -> Iterator[str]:
        """What runs when the statement does, without decorators."""
        decorators = getattr(node, "decorator_list", ())
        for call in self.tree.within(node, ast.Call):
            if call not in decorators and self.tree.function(call) is None:
                yield self._called(call)
        if any(self._is_set(c.iter) for c in self.tree.within(node, ast.comprehension)):
            yield "builtins.iter of a set"

    def _constructs(self, node: ast.ClassDef | Function) -> Iterator[str]:
        """What is called when an instance of a class is made, as far as its own body tells, or when a function is."""
        if isinstance(node, FUNCTIONS):
            yield from (self._called(call) for call in self.tree.within(node, ast.Call))
            return
        for method in node.body:
            if isinstance(method, FUNCTIONS) and method.name in ("__init__", "__new__", "__post_init__"):
                yield from (self._called(call) for call in self.tree.within(method, ast.Call))

    def _called(self, call: ast.Call) -> str:
        symbol = self.names.of(call.func)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant):
            symbol = f"builtins.str.{call.func.attr}"
        # The order of a set of strings is another one in another process.
        return f"{symbol} of a set" if symbol in _ORDERING and any(map(self._is_set, call.args)) else symbol

    def _is_set(self, node: ast.expr) -> bool:
        made = isinstance(node, ast.Call) and self.names.of(node.func) in ("builtins.set", "builtins.frozenset")
        return made or isinstance(node, (ast.Set, ast.SetComp))

    def _asks_for_folder(self, node: ast.Name) -> bool:
        """Whether it is a `__file__` of which no more than the folder counts, the same for every module in it."""
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
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return "annotation"
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
            given = dict(flow.literals.of(call))
            keyword, idle = _ONLY_WITH.get(known, ("", ()))
            if given.get(keyword, "") not in idle:
                called = re.sub(r"[<>]", "", known.replace("<mp_ctx>", "multiprocessing"))
                yield Start(called, _method(flow, call, given), call.lineno)


def _method(flow: Flow, call: ast.Call, given: dict[str, str]) -> str:
    """The start method that a call is given with its context, where that is a constant."""
    for keyword in call.keywords:
        if keyword.arg in ("mp_context", "context"):
            made = flow.variables.expression_behind(keyword.value)
            if made is not None:
                return dict(flow.literals.of(made)).get("0", "")
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = flow.variables.expression_behind(receiver) if receiver is not None else None
    if isinstance(made, ast.Call) and any(k.arg == "mp_context" for k in made.keywords):
        return _method(flow, made, {})
    return given.get("context", "")
