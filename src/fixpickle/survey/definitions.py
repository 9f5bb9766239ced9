"""Lambdas, and definitions inside functions: what each captures, where it goes, what forbids moving it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixpickle.survey.captures import UNKNOWN, captures
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import Capture, Definition, Kind, Sink, ToCall
from fixpickle.survey.flow import Flow
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Callable_, Tree, parameters

_FRAME_READERS = frozenset({"locals", "vars", "dir", "eval", "exec", "super"})
_INTROSPECTED = frozenset(
    {"__name__", "__qualname__", "__code__", "__closure__", "__defaults__", "__dict__", "__wrapped__"}
)
# Class decorators and bases that do the same whether they run once or at every call of the enclosing function.
_PLAIN_DECORATORS = frozenset({"dataclasses.dataclass", "functools.total_ordering", "typing.final", "enum.unique"})
_TESTS = ("builtins.isinstance", "builtins.issubclass")
_PLAIN_BASES = re.compile(r"(builtins|typing|collections|abc|enum|threading|queue|collections\.abc)\.\w+(\(\))?")


class Definitions:
    """Reads the definitions of one file."""

    def __init__(self, tree: Tree, names: Names, flow: Flow) -> None:
        self.tree, self.names, self.flow = tree, names, flow
        self.lazy_annotations = _lazy_annotations(tree)

    def all(self) -> Iterator[Definition]:
        """Every definition whose value has no module-level name of its own."""
        for node in self.tree.nodes:
            if isinstance(node, ast.Lambda):
                yield self._lambda(node)
            elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and isinstance(self.tree.scope(node), CALLABLES):
                yield self._named(node)

    def _lambda(self, node: ast.Lambda) -> Definition:
        caught = captures(self.tree, node)
        obstacles = [*self._body_obstacles(node), *self._default_obstacles(node)]
        sinks = self.flow.of(node)
        return self._definition(Kind.LAMBDA, node, "<lambda>", node.lineno, caught, obstacles, sinks, ())

    def _named(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Definition:
        scope = self.tree.scope(node)
        caught = captures(self.tree, node)
        uses = self.flow.loads(scope, node.name)
        obstacles = [*self._body_obstacles(node), *self._binding_obstacles(node, scope, uses)]
        if isinstance(node, ast.ClassDef):
            obstacles += self._class_obstacles(node)
        else:
            obstacles += [*self._default_obstacles(node), *self._annotation_obstacles(node)]
            if node.decorator_list:
                obstacles.append("its decorators run at every call of the function around it")
        if getattr(node, "type_params", ()):
            obstacles.append("it has type parameters of its own")
        outside: list[ast.AST] = [u for u in uses if not self._inside(u, node)]
        if isinstance(node, ast.ClassDef):
            # An instance is stored by the name of its class. The class itself is refused where it is handed on.
            calls = [self.tree.parents[u] for u in outside]
            outside = [c if isinstance(c, ast.Call) and c.func is u else u for u, c in zip(outside, calls, strict=True)]
        sinks = tuple(s for use in outside for s in self.flow.of(use))
        if isinstance(node, ast.ClassDef):
            handed = {s for u in uses for s in self.flow.of(u) if self._handed_on(u)}
            sinks = tuple(s for s in sinks if s not in handed or (isinstance(s, ToCall) and catalogue().match(s)))
        kind = Kind.CLASS if isinstance(node, ast.ClassDef) else Kind.FUNCTION
        line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        return self._definition(kind, node, node.name, line, caught, obstacles, sinks, uses)

    def _definition(
        self,
        kind: Kind,
        node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        name: str,
        line: int,
        caught: tuple[Capture, ...] | None,
        obstacles: list[str],
        sinks: tuple[Sink, ...],
        uses: list[ast.Name] | tuple[()],
    ) -> Definition:
        owner, method = self.tree.scope(node), self.tree.function(node)
        cls = self._class_around(node)
        first = parameters(node)[:1] if isinstance(node, CALLABLES) else ()
        return Definition(
            kind=kind,
            span=self.tree.span(node),
            name=name,
            qualname=self.tree.qualname(node),
            line=line,
            owner=self.tree.qualname(method) if method is not None else self.tree.qualname(owner),
            cls=self.tree.qualname(cls) if cls is not None else "",
            hint=self._hint(node),
            statement=self.tree.span(self.tree.top(node)),
            captures=caught or (),
            obstacles=tuple(dict.fromkeys([*obstacles, *([UNKNOWN] if caught is None else [])])),
            sinks=tuple(dict.fromkeys(sinks)),
            uses=tuple(self.tree.span(u) for u in uses),
            variadic=isinstance(node, CALLABLES) and node.args.vararg is not None,
            receiver=bool(first) and first[0] in ("self", "cls"),
            wraps=isinstance(node, ast.AsyncFunctionDef) or _decorates(node),
            decorated=tuple(self.names.of(d) for d in getattr(node, "decorator_list", ())),
        )

    def _inside(self, node: ast.AST, outer: ast.AST) -> bool:
        return any(a is outer for a in self.tree.ancestors(node))

    def _class_around(self, node: ast.AST) -> ast.ClassDef | None:
        return next((a for a in self.tree.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    # --- what forbids moving it ---

    def _body_obstacles(self, node: ast.AST) -> Iterator[str]:
        cls = self._class_around(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Nonlocal):
                yield f"it writes {_listed(inner.names)} of the function around it"
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                if inner.id in _FRAME_READERS and self.names.of(inner) == f"builtins.{inner.id}":
                    if inner.id != "super" or self._zero_argument(inner, node):
                        yield f"it calls {inner.id}(), which reads the scope it stands in"
                elif inner.id == "__class__":
                    yield "it reads `__class__`"
            mangled = _private(inner)
            if cls is not None and mangled and not (isinstance(node, ast.ClassDef) and self._inside(inner, node)):
                yield f"the private name `{mangled}` means another name outside the class"

    def _zero_argument(self, name: ast.Name, node: ast.AST) -> bool:
        call = self.tree.parents[name]
        own_class = isinstance(node, ast.ClassDef) and self._class_around(name) is not None
        return isinstance(call, ast.Call) and not call.args and not own_class

    def _default_obstacles(self, node: Callable_) -> Iterator[str]:
        for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
            if not _constant(default):
                yield f"its default `{ast.unparse(default)}` is evaluated at every call of the function around it"

    def _annotation_obstacles(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
        annotated = [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg)] + [node.returns]
        local = {n for scope in self._function_scopes(node) for n in self.names.bindings.get(scope, {})}
        before = self.tree.span(self.tree.top(node)).start
        for annotation in annotated:
            for name in ast.walk(annotation) if annotation is not None else ():
                if not isinstance(name, ast.Name):
                    continue
                if name.id in local:
                    yield f"its annotation names `{name.id}`, which is local to the function around it"
                elif not self.lazy_annotations and not self._bound_before(name.id, before):
                    yield f"its annotation names `{name.id}`, which is bound later in the module"

    def _function_scopes(self, node: ast.AST) -> Iterator[ast.AST]:
        scope = self.tree.scope(node)
        while not isinstance(scope, ast.Module):
            if isinstance(scope, CALLABLES):
                yield scope
            scope = self.tree.scope(scope)

    def _bound_before(self, name: str, offset: int) -> bool:
        values = self.names.bindings.get(self.tree.root, {}).get(name)
        if values is None:
            return True  # a builtin, or as unknown there as here
        spans = [v for v in values if isinstance(v, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom, ast.expr))]
        return any(self.tree.span(v).end <= offset for v in spans)

    def _binding_obstacles(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: ast.AST, uses: list[ast.Name]
    ) -> Iterator[str]:
        if len(self.names.bindings.get(scope, {}).get(node.name, [])) != 1:
            yield f"`{node.name}` is bound more than once in the function around it"
        if any(isinstance(n, (ast.Global, ast.Nonlocal)) and node.name in n.names for n in ast.walk(scope)):
            yield f"`{node.name}` is declared global or nonlocal"
        for reader in ast.walk(scope):
            if isinstance(reader, ast.Name) and reader.id in ("locals", "vars", "eval", "exec"):
                yield f"the function around it calls {reader.id}(), which can see the name `{node.name}`"
        for use in uses:
            parent = self.tree.parents[use]
            if isinstance(parent, ast.Attribute) and not isinstance(node, ast.ClassDef):
                if isinstance(parent.ctx, (ast.Store, ast.Del)):
                    yield f"attributes are set on it (`{node.name}.{parent.attr}`), afresh at every call"
                elif parent.attr in _INTROSPECTED:
                    yield f"`{node.name}.{parent.attr}` is read"

    def _class_obstacles(self, node: ast.ClassDef) -> Iterator[str]:
        if node.keywords:
            yield "it has class keywords such as a metaclass, which run at every call of the function around it"
        for decorator in node.decorator_list:
            if self.names.of(decorator).removesuffix("()") not in _PLAIN_DECORATORS:
                yield f"its decorator `{ast.unparse(decorator)}` runs at every call of the function around it"
        for base in node.bases:
            if not self._plain_base(base):
                yield f"its base `{ast.unparse(base)}` may keep a register of its subclasses"
        for statement in node.body:
            value = getattr(statement, "value", None)
            if isinstance(statement, (*FUNCTIONS, ast.Pass)) or (
                isinstance(statement, ast.AnnAssign) and value is None
            ):
                continue
            if not (
                isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign)) and value is not None and _constant(value)
            ):
                yield f"line {statement.lineno} of its body runs at every call of the function around it"
        for use in self.flow.loads(self.tree.scope(node), node.name):
            if not self._inside(use, node) and not self._plain_class_use(use):
                yield f"it is handed on as a class at line {use.lineno}: every call makes another one"
        for inner in ast.walk(node):
            if isinstance(inner, CALLABLES):
                for reason in self._default_obstacles(inner):
                    yield f"in {getattr(inner, 'name', 'a lambda')}, {reason}"

    def _handed_on(self, use: ast.Name) -> bool:
        call = self.tree.parents[use]
        return not (isinstance(call, ast.Call) and call.func is use)

    def _plain_class_use(self, use: ast.Name) -> bool:
        """Whether a class is only called, looked into, tested for or annotated with: its identity does not matter."""
        parent = self.tree.parents[use]
        if isinstance(parent, ast.Call) and (parent.func is use or self.names.of(parent.func) in _TESTS):
            return True
        if any(catalogue().match(s) for s in self.flow.of(use) if isinstance(s, ToCall)):
            return True  # there it fails at every call as it is
        return isinstance(parent, (ast.Attribute, ast.ExceptHandler, ast.arg, ast.AnnAssign, ast.ClassDef))

    def _plain_base(self, base: ast.expr) -> bool:
        if isinstance(base, ast.Subscript):
            base = base.value
        symbol = self.names.of(base)
        if _PLAIN_BASES.fullmatch(symbol):
            return True
        local = next(
            (
                n
                for n in self.tree.root.body
                if isinstance(n, ast.ClassDef) and f"{self.names.module}.{n.name}" == symbol
            ),
            None,
        )
        if local is None or local.keywords or local.decorator_list:
            return False
        if any(isinstance(s, FUNCTIONS) and s.name == "__init_subclass__" for s in local.body):
            return False
        return all(self._plain_base(b) for b in local.bases)

    # --- a name for it ---

    def _hint(self, node: ast.AST) -> str:
        """The words a person would name it after: the variable, keyword, attribute, key or parameter it is given to."""
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return node.name
        for parent in self.tree.ancestors(node):
            if isinstance(parent, ast.keyword) and parent.arg:
                return parent.arg
            if isinstance(parent, ast.Dict):
                key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), None)
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                    return key.value
            if isinstance(parent, ast.arguments):
                return next((s.parameter for s in self.flow.of(node) if hasattr(s, "parameter")), "default")
            if isinstance(parent, ast.Call) and node is not parent.func:
                return _last_word(parent.func) if node in parent.args else "factory"
            if isinstance(parent, (ast.Assign, ast.AnnAssign)):
                target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
                return _last_word(target)
            if isinstance(parent, ast.stmt):
                break
            node = parent
        return "function"


_COPIED = frozenset({"__name__", "__qualname__", "__doc__", "__module__", "__dict__", "__wrapped__", "__signature__"})


def _decorates(node: ast.AST) -> bool:
    """Whether a function works as a decorator: it returns a function of its own, or takes one and copies its names."""
    if not isinstance(node, FUNCTIONS):
        return False
    own = {n.name for n in ast.walk(node) if isinstance(n, (*FUNCTIONS, ast.ClassDef)) and n is not node}
    taken = set(parameters(node)) if len(parameters(node)) == 1 else set[str]()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Name) and inner.value.id in own | taken:
            return True
        copied = isinstance(inner, ast.Attribute) and inner.attr in _COPIED and isinstance(inner.value, ast.Name)
        if copied and inner.value.id in taken:  # type: ignore[attr-defined]
            return True
        if isinstance(inner, ast.Call) and _last_word(inner.func) in ("wraps", "update_wrapper"):
            return True
    return False


def _last_word(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "function"


def _private(node: ast.AST) -> str:
    name = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "arg", None)
    return name if isinstance(name, str) and name.startswith("__") and not name.endswith("__") else ""


def _constant(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _constant(node.operand)
    if isinstance(node, ast.Tuple):
        return all(_constant(e) for e in node.elts)
    return isinstance(node, ast.Constant)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _lazy_annotations(tree: Tree) -> bool:
    futures = [n for n in tree.root.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    return any(a.name == "annotations" for f in futures for a in f.names)
