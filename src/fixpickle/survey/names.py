"""Symbolic names: what an expression is, as far as imports, assignments and constructors tell.

`pool.map` inside `with ctx.Pool() as pool`, where `ctx = multiprocessing.get_context("spawn")`, becomes
`multiprocessing.get_context().Pool().map`. An empty string means that nothing is known.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable
from functools import cached_property

from fixpickle.survey.bindings import Bindings, all_bindings
from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.facts import ImportFact
from fixpickle.survey.receivers import Receivers
from fixpickle.survey.tree import FUNCTIONS, Function, Tree, bound_name, is_lazy, is_none, parameters

_DEPTH = 8  # names that lead to names: enough for real code, and an end for circles
PROPERTIES = frozenset({"builtins.property", "functools.cached_property"})
# Calls that give back their first argument, for the length of a block.
_GIVES_BACK = frozenset({"contextlib.closing", "contextlib.aclosing", "contextlib.nullcontext"})
_ENTERS = frozenset({"enter_context", "enter_async_context"})
# Annotations that say the same as what stands in their brackets.
_TRANSPARENT = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired")
)
# Bases that say something about a class and have no constructor of their own: it is none of them that `super()` means.
_MARKS = frozenset(
    {"abc.ABC", "builtins.object", "typing.Generic", "typing.Protocol", "typing_extensions.Generic"}
    | {"typing_extensions.Protocol"}
)


class Names(Receivers):
    """Resolves expressions of one file to symbolic names."""

    def __init__(self, tree: Tree, module: str, package: bool) -> None:
        super().__init__(tree)
        self.module = module
        self.package = package
        self._symbols: dict[tuple[ast.AST, int], str] = {}
        self._variables: dict[tuple[ast.AST, str, int], str] = {}

    # --- imports ---

    @cached_property
    def imports(self) -> tuple[ImportFact, ...]:
        """Every name an import binds, anywhere in the file."""
        found: list[ImportFact] = []
        statements: list[ast.Import | ast.ImportFrom] = self.tree.of(ast.Import, ast.ImportFrom)
        for node in statements:
            span, top = self.tree.span(node), isinstance(self.tree.scope(node), ast.Module)
            whole, lazy = isinstance(node, ast.Import), is_lazy(node)
            for alias in node.names:
                local = alias.asname or alias.name
                if whole and not alias.asname:
                    local = alias.name.split(".")[0]
                target = self._import_target(node, alias)
                module = self.absolute(node) if isinstance(node, ast.ImportFrom) else alias.name
                found.append(ImportFact(local, target, module, span, top, whole, alias.asname == alias.name, lazy))
        return tuple(found)

    def _import_target(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
        if isinstance(node, ast.Import):
            return alias.name if alias.asname else alias.name.split(".")[0]
        return f"{self.absolute(node)}.{alias.name}"

    def absolute(self, node: ast.ImportFrom) -> str:
        """The absolute dotted name that a `from ... import` takes from."""
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        keep = len(parts) - node.level + (1 if self.package else 0)
        return ".".join([*parts[: max(keep, 0)], *([node.module] if node.module else [])])

    # --- bindings ---

    @cached_property
    def bindings(self) -> Bindings:
        """Per scope and name, the nodes that say what the name is: a value, an import, a definition, an annotation."""
        return all_bindings(self.tree, self.global_writes)

    @cached_property
    def global_writes(self) -> frozenset[tuple[ast.AST | None, str]]:
        """Functions and the names they declare `global`."""
        return frozenset((self.tree.scope(n), name) for n in self.tree.of(ast.Global) for name in n.names)

    @cached_property
    def classes(self) -> frozenset[str]:
        """The symbolic names of every class of the file, local ones included."""
        return frozenset(f"{self.module}.{self.tree.qualname(n)}" for n in self.tree.of(ast.ClassDef))

    @cached_property
    def inner_functions(self) -> frozenset[str]:
        """The names of the functions that are defined in functions."""
        functions: list[Function] = self.tree.of(*FUNCTIONS)
        return frozenset(n.name for n in functions if isinstance(self.tree.scope(n), FUNCTIONS))

    @cached_property
    def _last_words(self) -> frozenset[str]:
        """What the symbolic name of an expression can end in: it comes from an import, a definition or an attribute.

        Names of what calls give are left out, which end in `()`.
        """
        found = {a.name.rpartition(".")[2] for a in self.tree.of(ast.alias)}
        found.update(n.attr for n in self.tree.of(ast.Attribute))
        definitions: list[Function | ast.ClassDef] = self.tree.of(*FUNCTIONS, ast.ClassDef)
        found.update(n.name for n in definitions)
        return frozenset(found)

    def may_mean(self, symbols: Iterable[str]) -> bool:
        """Whether an expression of the file can have one of these symbolic names, which are no builtins'.

        A cheap test for what most files have nothing of: it looks at the last words alone.
        """
        return any(symbol.rpartition(".")[2] in self._last_words for symbol in symbols)

    # --- resolution ---

    def of(self, node: ast.AST, depth: int = _DEPTH) -> str:
        """The symbolic name of an expression."""
        key = (node, depth)
        if key not in self._symbols:
            self._symbols[key] = self._of(node, depth)
        return self._symbols[key]

    def _of(self, node: ast.AST, depth: int) -> str:
        if depth <= 0:
            return ""
        if isinstance(node, ast.Name):
            return self._of_name(node, node.id, depth)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, depth)
        if isinstance(node, ast.Call):
            return self._of_call(node, depth)
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.of(node.value, depth - 1)
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            sides = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            found = {self.of(side, depth - 1) for side in sides if not is_none(side)}
            return found.pop() if len(found) == 1 else catalogue().leaving(found)
        if isinstance(node, ast.Subscript):
            return self._of_table(node, depth)
        return ""

    def _of_table(self, node: ast.Subscript, depth: int) -> str:
        """What a dictionary of the module gives: of pools, the one that values leave the process by."""
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        tables = self.bindings.get(self.tree.root, {}).get(name, [])
        values = tables[0].values if len(tables) == 1 and isinstance(tables[0], ast.Dict) else []
        return catalogue().leaving({self.of(v, depth - 1) for v in values if isinstance(v, (ast.Name, ast.Attribute))})

    def _of_call(self, call: ast.Call, depth: int) -> str:
        callee = self.of(call.func, depth - 1)
        if callee == "builtins.super" and self._of_own_class(call):
            return self._of_super(call, depth)
        if callee == "typing.cast" and call.args:
            return self.annotated(call.args[0], call, depth - 1)
        entered = isinstance(call.func, ast.Attribute) and call.func.attr in _ENTERS
        if (entered or callee in _GIVES_BACK) and call.args:
            return self.of(call.args[0], depth - 1)
        return f"{callee}()" if callee else ""

    def _of_own_class(self, call: ast.Call) -> bool:
        """Whether it is `super()`, or says the same in full: `super(Child, self)` in a method of Child."""
        if not call.args:
            return True
        function = self.tree.function(call)
        cls, given = self.tree.method_class(function), [a.id for a in call.args if isinstance(a, ast.Name)]
        if cls is None or not isinstance(function, FUNCTIONS) or len(given) != 2:
            return False
        return given == [cls.name, *parameters(function)[:1]]

    def of_base(self, base: ast.expr, depth: int = _DEPTH) -> str:
        """The symbolic name of a base class: of `Base[T]` that of `Base`."""
        return self.of(base.value if isinstance(base, ast.Subscript) else base, depth)

    def _of_super(self, call: ast.Call, depth: int) -> str:
        """An instance of the only base with code; of several, which is next depends on the class of the instance."""
        initialising = self._initialising(call, depth)
        return f"{initialising[0]}()" if len(initialising) == 1 and initialising[0] else ""

    def _initialising(self, call: ast.Call, depth: int) -> list[str]:
        """The bases, of the class around a `super()`, that may have a constructor."""
        cls = self.tree.method_class(self.tree.function(call))
        bases = [self.of_base(base, depth - 1) for base in cls.bases] if cls is not None else []
        return [base for base in bases if base not in _MARKS]

    def next_constructor(self, callee: ast.expr) -> str:
        """What `super().__init__` is most likely, of a class with several bases: that of the first, else empty."""
        call = callee.value if isinstance(callee, ast.Attribute) and callee.attr == "__init__" else None
        if not isinstance(call, ast.Call) or self.of(call.func) != "builtins.super" or not self._of_own_class(call):
            return ""
        initialising = self._initialising(call, _DEPTH)
        return f"{initialising[0]}().__init__" if initialising and initialising[0] else ""

    def annotated(self, annotation: ast.AST, at: ast.AST, depth: int = _DEPTH) -> str:
        """The symbolic name of a value with that annotation, which stands at `at`; empty for any of several types."""
        symbol = self._type(annotation, at, depth)
        return f"{symbol}()" if symbol else ""

    def _type(self, node: ast.AST, at: ast.AST, depth: int) -> str:
        if depth <= 0:
            return ""
        if isinstance(node, ast.Name):
            return self._of_name(at, node.id, depth)
        if isinstance(node, ast.Attribute):
            base = self._type(node.value, at, depth - 1)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self._type(ast.parse(node.value, mode="eval").body, at, depth - 1)
            except (SyntaxError, ValueError):
                return ""  # a string of `Literal`, or a mistake of theirs
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
        if isinstance(node, ast.Subscript):
            outer = self._type(node.value, at, depth - 1)
            if outer not in _TRANSPARENT:
                return outer
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            sides = inside[:1] if outer.endswith(".Annotated") else inside
        found = {self._type(side, at, depth - 1) for side in sides if not is_none(side)}
        return found.pop() if len(found) == 1 else ""

    def _of_name(self, at: ast.AST, name: str, depth: int) -> str:
        key = (self.tree.scope(at), name, depth)
        if key not in self._variables:
            self._variables[key] = self._of_variable(*key)
        return self._variables[key]

    def _of_variable(self, scope: ast.AST, name: str, depth: int) -> str:
        first = scope
        while True:
            values = self.bindings.get(scope, {}).get(name, [])
            if values and (scope is first or not isinstance(scope, ast.ClassDef)):
                return self.agreed(values, scope, name, depth)
            if isinstance(scope, ast.Module):
                return f"builtins.{name}" if hasattr(builtins, name) else self._starred(name)
            scope = self.tree.scope(scope)

    def _starred(self, name: str) -> str:
        """A name that nothing in the file binds, as the module's own where a star import may bring it."""
        return f"{self.module}.{name}" if self._stars else ""

    @cached_property
    def _stars(self) -> bool:
        return any(one.local == "*" for one in self.imports)

    def agreed(self, values: list[ast.AST], scope: ast.AST, name: str, depth: int = _DEPTH) -> str:
        """What all the bindings of a name agree on; else the one of them that values leave the process by."""
        found = {self._of_binding(v, scope, name, depth - 1) for v in values if not is_none(v)}
        if len(found) == 1:
            return found.pop()
        return self._optional_import(values, name) or catalogue().leaving(found)

    def _of_binding(self, value: ast.AST, scope: ast.AST, name: str, depth: int) -> str:
        if isinstance(value, (ast.Import, ast.ImportFrom)):
            alias = next(a for a in value.names if bound_name(a) == name)
            return self._import_target(value, alias)
        if isinstance(value, (*FUNCTIONS, ast.ClassDef)):
            return f"{self.module}.{self.tree.qualname(value)}"
        if isinstance(value, (ast.arg, ast.AnnAssign)):
            return self.annotated(value.annotation, value, depth) if value.annotation is not None else ""
        return self.of(value, depth)

    def _optional_import(self, values: list[ast.AST], name: str) -> str:
        """`try: from threading import RLock; except ImportError: class RLock: ...` is the one that is imported.

        Of two imports it is the first where that is the standard library's, which is always there.
        """
        guarded = [v for v in values if isinstance(v, (ast.Import, ast.ImportFrom))]
        tried = [v for v in guarded if self._handler(v) is None] if len(guarded) > 1 else guarded
        rest = [v for v in values if v not in tried]
        if len(tried) != 1 or not rest:
            return ""
        handlers = [self._handler(v) for v in rest]
        body = self.tree.parents[tried[0]]
        if isinstance(body, ast.Try) and tried[0] in body.body and all(h in body.handlers for h in handlers):
            found = self._of_binding(tried[0], body, name, 1)
            sure = len(guarded) == 1 or found.partition(".")[0] in sys.stdlib_module_names
            return found if sure else ""
        return ""

    def _handler(self, node: ast.AST) -> ast.AST | None:
        return next((a for a in self.tree.ancestors(node) if isinstance(a, ast.ExceptHandler)), None)

    def _of_attribute(self, node: ast.Attribute, depth: int) -> str:
        owner = self.instance_class(node.value)
        if owner is not None:
            values = self.attribute_values(owner).get(node.attr, [])
            found = {self.of(v, depth - 1) for v in values if not is_none(v)}
            declared = self.declared(owner).get(node.attr)
            if not found and declared is not None:
                found = {self.annotated(declared, owner, depth - 1)}
            if len(found) == 1 and (only := found.pop()):
                return only
            return f"{self.module}.{self.tree.qualname(owner)}().{node.attr}"
        base = self.of(node.value, depth - 1)
        return f"{base}.{node.attr}" if base else ""
