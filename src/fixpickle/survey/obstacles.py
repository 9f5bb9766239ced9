"""What forbids moving a lambda, a local function or a local class to module level, in words a person can act on."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixpickle.survey.captures import Captures, type_parameter_of
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.demands import DECORATED, Obstacle
from fixpickle.survey.facts import Sink, ToCall
from fixpickle.survey.flow import Flow
from fixpickle.survey.mangling import is_private, private_attribute
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Callable_, Function, Tree, is_none, type_parameters, walk
from fixpickle.survey.uses import Uses
from fixpickle.survey.wording import listed

_FRAME_READERS = frozenset({"locals", "vars", "dir", "eval", "exec", "super"})
_SCOPE_READERS = frozenset({"locals", "vars", "eval", "exec"})
# Class decorators and bases that do the same whether they run once or at every call of the enclosing function.
_PLAIN_DECORATORS = frozenset({"dataclasses.dataclass", "functools.total_ordering", "typing.final", "enum.unique"})
_TESTS = ("builtins.isinstance", "builtins.issubclass")
_PLAIN_BASES = re.compile(r"(builtins|typing|collections|abc|enum|threading|queue|collections\.abc)\.\w+(\(\))?")


_EVERY_CALL = "at every call of the function around it"
_MAY_LACK = "which may not be there when the module is imported"


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names that a function or what is in it declares global or nonlocal, and what in it reads its variables."""

    declared: frozenset[str]
    readers: tuple[str, ...]


class Obstacles:
    """Reads the reasons against moving definitions of one file."""

    def __init__(self, tree: Tree, names: Names, flow: Flow, captures: Captures) -> None:
        self.tree, self.names, self.flow, self.captures = tree, names, flow, captures
        self.uses = Uses(tree, names)
        self._scopes: dict[ast.AST, _Scope] = {}
        self._handed: dict[ast.AST, dict[str, ast.expr]] = {}

    def of_lambda(self, node: ast.Lambda, captures: bool, sinks: Sequence[Sink]) -> Iterator[Obstacle]:
        """The reasons against moving a lambda, whose value goes to `sinks`."""
        yield from self._in_body(node)
        yield from self._in_defaults(node, self.early(node))
        if any(isinstance(a, ast.JoinedStr) for a in self.tree.ancestors(node)):
            yield "it stands in an f-string, where Python before 3.12 does not tell its place"
        if self._annotates(node):
            yield "it stands in an annotation, which need not be evaluated"
        named = dict(self._variables(node))
        uses = [use for loads in named.values() for use in loads]
        replaced = captures or self.uses.told_apart([node, *uses], sinks)
        yield from self.uses.of("lambda", [node], captures, replaced)
        for name, loads in named.items():
            yield from self.uses.of(name, loads, captures, replaced)
        yield from self.uses.as_method(node, [node, *uses] if replaced else [])
        yield from self.uses.of_sinks(sinks, replaced)

    def _variables(self, node: ast.Lambda) -> Iterator[tuple[str, list[ast.Name]]]:
        """The variables of a function that the lambda is assigned to, and the places that read them."""
        parent, scope = self.tree.parents[node], self.tree.scope(node)
        for target in parent.targets if isinstance(parent, ast.Assign) and isinstance(scope, CALLABLES) else ():
            if isinstance(target, ast.Name):
                yield target.id, self.flow.variables.loads(scope, target.id)

    def _annotates(self, node: ast.AST) -> bool:
        for parent in self.tree.ancestors(node):
            if node in (getattr(parent, "annotation", None), getattr(parent, "returns", None)):
                return True
            if isinstance(parent, ast.stmt):
                break
            node = parent
        return False

    def of_function(
        self, node: Function, uses: Sequence[ast.Name], captures: bool, sinks: Sequence[Sink], kept: bool
    ) -> Iterator[Obstacle]:
        """The reasons against moving a local function, which is named at `uses` and goes to `sinks`.

        It is `kept` where its only decorator can be called in its place.
        """
        replaced = captures or self.uses.told_apart(uses, sinks)
        yield from self._in_type_parameters(node)
        yield from self._in_body(node)
        yield from self._in_binding(node, self.tree.scope(node), uses)
        yield from self.uses.of(node.name, uses, captures, replaced)
        yield from self._in_defaults(node, self.early(node))
        yield from self._in_annotations(node)
        if node.decorator_list and not kept:
            yield DECORATED
        yield from self.uses.as_method(node, uses if replaced else ())
        yield from self.uses.of_sinks(sinks, replaced)

    def of_class(self, node: ast.ClassDef, uses: Sequence[ast.Name]) -> Iterator[str]:
        """The reasons against moving a local class, which is named at `uses`."""
        yield from self._in_type_parameters(node)
        yield from self._in_body(node)
        yield from self._in_binding(node, self.tree.scope(node), uses)
        yield from self._in_class(node, uses)

    def _in_body(self, node: ast.AST) -> Iterator[str]:
        cls = self.tree.class_around(node)
        for inner in walk(node):
            if isinstance(inner, ast.Nonlocal):
                yield f"it writes {listed(inner.names)} of the function around it"
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                if inner.id in _FRAME_READERS and self.names.of(inner) == f"builtins.{inner.id}":
                    if inner.id != "super" or self._reads_cell(inner, node):
                        yield f"it calls {inner.id}(), which reads the scope it stands in"
                elif inner.id == "__class__":
                    yield "it reads `__class__`"
            private = private_name(inner)
            if cls is None or not private or (isinstance(node, ast.ClassDef) and self.tree.inside(inner, node)):
                continue
            if isinstance(node, ast.ClassDef) or private_attribute(self.tree, inner, cls) is None:
                yield f"the private name `{private}` means another name outside the class"

    def _reads_cell(self, name: ast.Name, node: ast.AST) -> bool:
        """Whether this `super` finds its class through the function it stands in; a class that moves takes it along."""
        call = self.tree.parents[name]
        named = isinstance(call, ast.Call) and call.func is name and bool(call.args)
        return not named and not isinstance(node, ast.ClassDef)

    def _in_defaults(self, node: Callable_, handed: Mapping[str, ast.expr] | None = None) -> Iterator[str]:
        parent = self.tree.parents[node]
        if isinstance(parent, ast.Assign) and self.tree.parents[parent] is self.tree.root:
            return  # evaluated once, when the module is imported, and nothing of the statement is evaluated before it
        late = self.tree.function(node) is None
        when = "later than a definition before the statement would be" if late else _EVERY_CALL
        for parameter, default in defaults(node):
            if not _constant(default) and parameter not in (handed or {}):
                yield f"its default `{ast.unparse(default)}` is evaluated {when}"

    def early(self, node: Callable_) -> dict[str, ast.expr]:
        """The parameters whose defaults are values of each call of the function around it, which can be handed over.

        Not those that name a local function or class, which may move, nor those that do more than to give a value.
        """
        if node not in self._handed:
            given = defaults(node) if self.tree.function(node) is not None else ()
            self._handed[node] = {n: d for n, d in given if not _constant(d) and self._gives(d)}
        return self._handed[node]

    def _gives(self, default: ast.expr) -> bool:
        for inner in walk(default):
            if isinstance(inner, (ast.Lambda, ast.GeneratorExp, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
                return False
            values = self.flow.variables.values(inner) if isinstance(inner, ast.Name) else ()
            if any(isinstance(v, (*FUNCTIONS, ast.ClassDef)) and v not in self.tree.root.body for v in values):
                return False
        return True

    def _in_annotations(self, node: Function) -> Iterator[str]:
        annotated = [a.annotation for a in walk(node.args) if isinstance(a, ast.arg)] + [node.returns]
        local = {n for scope in self._function_scopes(node) for n in self.names.bindings.get(scope, {})}
        before = self.tree.span(self.tree.top(node)).start
        for annotation in annotated:
            for name in walk(annotation) if annotation is not None else ():
                if not isinstance(name, ast.Name) or name.id in type_parameters(node):
                    continue
                yield from self._of_generic(node, name.id)
                if name.id in local:
                    yield f"its annotation names `{name.id}`, which is local to the function around it"
                elif not self.tree.lazy_annotations and not self._bound_before(name.id, before):
                    yield f"its annotation names `{name.id}`, which the module does not have by then"
                elif not self.tree.lazy_annotations and self._may_lack(name.id, self._looked_into(name)):
                    yield f"its annotation names `{name.id}`, {_MAY_LACK}"

    def _in_type_parameters(self, node: Function | ast.ClassDef) -> Iterator[str]:
        """Bounds and defaults of type parameters, which are evaluated when somebody asks for them."""
        parts: list[ast.AST] = getattr(node, "type_params", [])
        local = {n for scope in self._function_scopes(node) for n in self.names.bindings.get(scope, {})}
        for name in dict.fromkeys(n.id for p in parts for n in walk(p) if isinstance(n, ast.Name)):
            if name in local:
                yield f"a type parameter names `{name}`, which is local to the function around it"
            yield from self._of_generic(node, name)

    def _of_generic(self, node: ast.AST, name: str) -> Iterator[str]:
        """The reason in that a name is a type parameter of what is around a definition."""
        generic = None if name in self._own_types(node) else self.captures.generic_around(node, name)
        if generic is not None:
            yield type_parameter_of(name, self.tree.qualname(generic))

    def _own_types(self, node: ast.AST) -> set[str]:
        """The type parameters of a definition and of those in it, which move along."""
        return {n for inner in walk(node) for n in type_parameters(inner)} if self.tree.generic else set()

    def _function_scopes(self, node: ast.AST) -> Iterator[ast.AST]:
        scope = self.tree.scope(node)
        while not isinstance(scope, ast.Module):
            if isinstance(scope, CALLABLES):
                yield scope
            scope = self.tree.scope(scope)

    def _bound_before(self, name: str, offset: int) -> bool:
        values = self.names.bindings.get(self.tree.root, {}).get(name)
        if values is None:  # where it is bound nowhere, the module itself would fail instead of one call
            return hasattr(builtins, name) or any(i.local == "*" for i in self.names.imports)
        spans = [v for v in values if isinstance(v, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom, ast.expr))]
        return any(self.tree.span(v).end <= offset for v in spans)

    def _may_lack(self, name: str, looked_into: bool) -> bool:
        """Whether importing the module may leave it without what only calls of a function need, as `torch = None`."""
        values = self.names.bindings.get(self.tree.root, {}).get(name, [])
        statements = [self.tree.statement(v) for v in values if v in self.tree.parents]
        sure = any(self.tree.parents[s] is self.tree.root for s in statements)
        return (looked_into and any(map(is_none, values))) or (len(values) == 1 and bool(statements) and not sure)

    def _looked_into(self, name: ast.Name) -> bool:
        return isinstance(self.tree.parents[name], (ast.Attribute, ast.Subscript, ast.Call))

    def _in_binding(self, node: Function | ast.ClassDef, scope: ast.AST, uses: Sequence[ast.Name]) -> Iterator[str]:
        values = self.names.bindings.get(scope, {}).get(node.name, [])
        # Where each is bound in its place, the name means then what it meant; inside one of them it may mean another.
        inner = [value for value in values if isinstance(value, (*FUNCTIONS, ast.ClassDef))]
        apart = not any(self.tree.inside(use, value) for value in inner for use in uses)
        if len(values) != 1 and not (values and apart and not isinstance(node, ast.ClassDef)):
            yield f"`{node.name}` is bound more than once in the function around it"
        around = self._around(scope)
        if node.name in around.declared:
            yield f"`{node.name}` is declared global or nonlocal"
        for reader in around.readers:
            yield f"the function around it calls {reader}(), which can see the name `{node.name}`"

    def _around(self, scope: ast.AST) -> _Scope:
        """What a function with definitions in it says about names; read once, however many definitions it has."""
        if scope not in self._scopes:
            writers: list[ast.Global | ast.Nonlocal] = self.tree.within(scope, ast.Global, ast.Nonlocal)
            declared = {name for n in writers for name in n.names}
            readers = [n.id for n in self.tree.within(scope, ast.Name) if n.id in _SCOPE_READERS]
            self._scopes[scope] = _Scope(frozenset(declared), tuple(dict.fromkeys(readers)))
        return self._scopes[scope]

    def _in_class(self, node: ast.ClassDef, uses: Iterable[ast.Name]) -> Iterator[str]:
        if node.keywords:
            yield "it has class keywords such as a metaclass, which run at every call of the function around it"
        for decorator in node.decorator_list:
            if self.names.of(decorator).removesuffix("()") not in _PLAIN_DECORATORS:
                yield f"its decorator `{ast.unparse(decorator)}` runs at every call of the function around it"
        before = self.tree.span(self.tree.top(node)).start
        local = {n for scope in self._function_scopes(node) for n in self.names.bindings.get(scope, {})}
        for base in node.bases:
            varying = [n.id for n in walk(base) if isinstance(n, ast.Name) and n.id in local]
            if varying and not isinstance(base, ast.Name):
                yield f"its base `{ast.unparse(base)}` varies with {listed(varying)} of the function around it"
            if not self._plain_base(base):
                yield f"its base `{ast.unparse(base)}` may keep a register of its subclasses"
        own = self._own_types(node)
        for name in self._needed_at_once(node):
            if name in own:
                continue
            yield from self._of_generic(node, name)
            if name in local and name != node.name:
                yield f"it needs `{name}` when it is made, which is local to the function around it"
            if not self._bound_before(name, before):
                yield f"it needs `{name}` when it is made, which is bound later in the module"
            elif self._may_lack(name, True):
                yield f"it needs `{name}` when it is made, {_MAY_LACK}"
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
        for use in uses:
            if not self.tree.inside(use, node) and not self._plain_class_use(use):
                yield f"it is handed on as a class at line {use.lineno}: every call makes another one"
        for inner in walk(node):
            if isinstance(inner, CALLABLES):
                for reason in self._in_defaults(inner):
                    yield f"in {getattr(inner, 'name', 'a lambda')}, {reason}"

    def _needed_at_once(self, node: ast.ClassDef) -> Iterator[str]:
        """The names that making the class reads: of bases, decorators and, unless they are lazy, annotations."""
        parts: list[ast.AST] = [*node.bases, *node.decorator_list]
        if not self.tree.lazy_annotations:
            for inner in walk(node):
                parts += [a for a in (getattr(inner, "annotation", None), getattr(inner, "returns", None)) if a]
        yield from dict.fromkeys(n.id for p in parts for n in walk(p) if isinstance(n, ast.Name))

    def _plain_class_use(self, use: ast.Name) -> bool:
        """Whether a class is only called, looked into, tested for or annotated with: its identity does not matter."""
        named = subscripted(self.tree, use)
        parent = self.tree.parents[named]
        if isinstance(parent, ast.Call) and (parent.func is named or self.names.of(parent.func) in _TESTS):
            return True
        if any(catalogue().match(s) for s in self.flow.of(use) if isinstance(s, ToCall)):
            return True  # there it fails at every call as it is
        return isinstance(parent, (ast.Attribute, ast.ExceptHandler, ast.arg, ast.AnnAssign, ast.ClassDef))

    def _plain_base(self, base: ast.expr) -> bool:
        symbol = self.names.of_base(base)
        if _PLAIN_BASES.fullmatch(symbol) or symbol in catalogue().plain_bases | catalogue().unlisted_bases:
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


def subscripted(tree: Tree, use: ast.expr) -> ast.expr:
    """`Row[int]` where `use` is its `Row`, a generic class: what is done with that is done with the class."""
    parent = tree.parents[use]
    return parent if isinstance(parent, ast.Subscript) and parent.value is use else use


def defaults(node: Callable_) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function that have a default, each with that."""
    positional = [*node.args.posonlyargs, *node.args.args]
    given = node.args.defaults
    yield from ((p.arg, default) for p, default in zip(positional[len(positional) - len(given) :], given, strict=True))
    for parameter, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if default is not None:
            yield parameter.arg, default


def private_name(node: ast.AST) -> str:
    """The name in a node that means another one in a class, as `__name` does; or an empty string."""
    name = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "arg", None)
    return name if isinstance(name, str) and is_private(name) else ""


def _constant(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _constant(node.operand)
    if isinstance(node, ast.Tuple):
        return all(_constant(e) for e in node.elts)
    return isinstance(node, ast.Constant)
