"""Where a value goes inside one file: through names, containers, conditions and calls, to the places that keep it."""

from __future__ import annotations

import ast

from fixpickle.survey.facts import Sink, ToAttribute, ToCall, ToGlobal, ToParameter, ToReturn
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Comprehension, Tree

# Calls whose result carries their arguments along when it is pickled.
CARRIERS = frozenset(
    "functools.partial collections.defaultdict collections.OrderedDict collections.deque collections.ChainMap "
    "builtins.list builtins.tuple builtins.dict builtins.set builtins.frozenset builtins.zip "
    "joblib.delayed joblib.parallel.delayed sklearn.utils.parallel.delayed tpcp.parallel.delayed "
    "operator.methodcaller types.MethodType dataclasses.field attr.ib attrs.field".split()
)
# Methods that put an argument into the container they are called on.
_ADDERS = frozenset("append add insert extend setdefault update appendleft __setitem__".split())
_DEPTH = 12  # names that lead to names


class Flow:
    """Follows values through one file."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree = tree
        self.names = names
        self._active: set[tuple[ast.AST, str]] = set()  # ends circles such as `a = wrap(a)`
        self._loads: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        for node in tree.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._loads.setdefault((self.owner(node, node.id), node.id), []).append(node)

    def owner(self, at: ast.AST, name: str) -> ast.AST:
        """The scope whose variable `name` is when it is read at `at`."""
        scope = first = self.tree.scope(at)
        bindings = self.names.bindings
        while not isinstance(scope, ast.Module):
            if name in bindings.get(scope, {}) and (scope is first or not isinstance(scope, ast.ClassDef)):
                return scope
            if isinstance(scope, Comprehension) and any(
                isinstance(n, ast.Name) and n.id == name for g in scope.generators for n in ast.walk(g.target)
            ):
                return scope
            scope = self.tree.scope(scope)
        return scope

    def loads(self, scope: ast.AST, name: str) -> list[ast.Name]:
        """Every place that reads the variable `name` of `scope`, nested functions included."""
        return self._loads.get((scope, name), [])

    def of_name(self, scope: ast.AST, name: str, depth: int = _DEPTH) -> tuple[Sink, ...]:
        """Where the value of a variable goes."""
        if depth <= 0 or (scope, name) in self._active:
            return ()
        self._active.add((scope, name))
        try:
            return tuple(s for use in self.loads(scope, name) for s in self.of(use, depth - 1))
        finally:
            self._active.discard((scope, name))

    def of(self, node: ast.AST, depth: int = _DEPTH, direct: bool = True) -> tuple[Sink, ...]:
        """Where the value of an expression goes. `direct` is false once it has been put into a container."""
        parent = self.tree.parents[node]
        if isinstance(parent, (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.keyword)):
            return self._through(parent, node, depth, direct)
        if isinstance(parent, ast.Call):
            return self._into_call(parent, node, depth, direct)
        if isinstance(parent, (ast.IfExp, ast.BoolOp, ast.NamedExpr, ast.Await)):
            if isinstance(parent, ast.IfExp) and node is parent.test:
                return ()
            onward = self.of(parent, depth, direct)
            return onward + (self._to_target(parent.target, depth, direct) if isinstance(parent, ast.NamedExpr) else ())
        if isinstance(parent, (*Comprehension, ast.comprehension)):
            kept = isinstance(parent, Comprehension) and node is not getattr(parent, "key", None)
            return self.of(parent, depth, False) if kept and not isinstance(parent, ast.comprehension) else ()
        if isinstance(parent, ast.Subscript):
            return self.of(parent, depth, direct) if node is parent.value else ()
        if isinstance(parent, ast.Attribute):
            return self._method_of(parent, depth)
        if isinstance(parent, ast.arguments):
            return self._default_of(parent, node)
        return self._in_statement(parent, node, depth, direct)

    def _through(self, parent: ast.AST, node: ast.AST, depth: int, direct: bool) -> tuple[Sink, ...]:
        if isinstance(parent, ast.Dict) and node in parent.keys:
            return ()
        if isinstance(parent, ast.keyword):
            call = self.tree.parents[parent]
            return self._into_call(call, parent, depth, direct) if isinstance(call, ast.Call) else ()
        return self.of(parent, depth, False)

    def _into_call(self, call: ast.Call, node: ast.AST, depth: int, direct: bool) -> tuple[Sink, ...]:
        if node is call.func:
            return self.of(call, depth - 1, direct) if depth > 1 and self._makes_instance(call) else ()
        callee = self.names.of(call.func)
        if callee in CARRIERS:
            return self.of(call, depth, False)
        added = self._into_container(call, depth)
        onward = self.of(call, depth - 1, False) if depth > 1 else ()
        position = call.args.index(node) if node in call.args else -1  # type: ignore[arg-type]
        keyword = node.arg or "" if isinstance(node, ast.keyword) else ""
        return (*added, ToCall(callee, position, keyword, call.lineno, self.literals(call), onward))

    def _makes_instance(self, call: ast.Call) -> bool:
        """Whether calling the name gives an instance of a class of this file: that instance carries the class along."""
        callee = self.names.of(call.func)
        return callee in self.names.classes

    def literals(self, call: ast.Call) -> tuple[tuple[str, str], ...]:
        """Keywords of a call and of the calls that made its receiver, which decide whether anything crosses."""
        calls, at = [call], call.func
        for _ in range(_DEPTH):
            value = self._value_of(at.value if isinstance(at, ast.Attribute) else at)
            if not isinstance(value, ast.Call):
                break
            calls.append(value)
            at = value.func
        pairs = {k.arg: _literal(k.value) for c in reversed(calls) for k in c.keywords if k.arg}
        if call.args and isinstance(call.args[0], ast.Constant):
            pairs["0"] = _literal(call.args[0])
        for maker in calls[1:]:
            if maker.args and self.names.of(maker.func).endswith(".get_context"):
                pairs["context"] = _literal(maker.args[0])
        return tuple(sorted(pairs.items()))

    def _value_of(self, node: ast.AST) -> ast.AST | None:
        if not isinstance(node, ast.Name):
            return node
        values = self.names.bindings.get(self.owner(node, node.id), {}).get(node.id, [])
        return values[0] if len(values) == 1 else None

    def _into_container(self, call: ast.Call, depth: int) -> tuple[Sink, ...]:
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ADDERS:
            return ()
        return self._kept_in(call.func.value, depth)

    def _kept_in(self, base: ast.AST, depth: int) -> tuple[Sink, ...]:
        """Where something goes that has been put into the container `base`."""
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Attribute):
            return self._to_target(base, depth, False)
        if isinstance(base, ast.Name):
            scope = self.owner(base, base.id)
            if isinstance(scope, ast.Module):
                return (ToGlobal(base.id, base.lineno, False), *self.of_name(scope, base.id, depth - 1))
            return self.of_name(scope, base.id, depth - 1)
        return ()

    def _method_of(self, parent: ast.Attribute, depth: int) -> tuple[Sink, ...]:
        """`table.get(k)` and `table.values()` give out what the table holds; any other method or attribute does not."""
        call = self.tree.parents[parent]
        if parent.attr in ("get", "values", "items", "pop", "copy") and isinstance(call, ast.Call):
            return self.of(call, depth - 1, True) if depth > 1 else ()
        return ()

    def _default_of(self, arguments: ast.arguments, node: ast.AST) -> tuple[Sink, ...]:
        function = self.tree.parents[arguments]
        if not isinstance(function, FUNCTIONS):
            return ()
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        name = next((a.arg for a, d in pairs if d is node), "")
        return (ToParameter(self.tree.qualname(function), name, node.lineno),) if name else ()  # type: ignore[attr-defined]

    def _in_statement(self, parent: ast.AST, node: ast.AST, depth: int, direct: bool) -> tuple[Sink, ...]:
        if isinstance(parent, ast.Assign) and node is parent.value:
            return tuple(s for t in parent.targets for s in self._to_target(t, depth, direct))
        if isinstance(parent, ast.AnnAssign) and node is parent.value:
            return self._to_target(parent.target, depth, direct)
        if isinstance(parent, ast.AugAssign) and node is parent.value:
            return self._to_target(parent.target, depth, False)
        if isinstance(parent, (ast.Return, ast.Yield)):
            return self._returned(parent)
        if isinstance(parent, ast.Lambda) and node is parent.body:
            return ()
        return ()

    def _returned(self, parent: ast.Return | ast.Yield) -> tuple[Sink, ...]:
        function = self.tree.function(parent)
        if not isinstance(function, FUNCTIONS):
            return ()
        return (ToReturn(self.tree.qualname(function), parent.lineno),)

    def _to_target(self, target: ast.AST, depth: int, direct: bool) -> tuple[Sink, ...]:
        if isinstance(target, ast.Attribute):
            cls = self.names.instance_class(target.value)
            return (ToAttribute(self.tree.qualname(cls), target.attr, target.lineno),) if cls is not None else ()
        if isinstance(target, ast.Subscript):
            return self._kept_in(target.value, depth)
        if not isinstance(target, ast.Name):
            return ()
        scope = self.owner(target, target.id)
        if isinstance(scope, ast.Module):
            onward = self.of_name(scope, target.id, depth - 1)
            return (ToGlobal(target.id, target.lineno, direct), *onward)
        if isinstance(scope, (*CALLABLES, *Comprehension)):
            return self.of_name(scope, target.id, depth - 1)
        return ()


def _literal(node: ast.AST) -> str:
    """A constant as Python writes it, "?" for anything that is only known when the program runs."""
    plain = node.operand if isinstance(node, ast.UnaryOp) else node
    return ast.unparse(node) if isinstance(plain, ast.Constant) else "?"
