"""From one expression to the next, until a value is kept or handed to a call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.expected import expected_to_fail
from fixpickle.survey.facts import Sink, ToAttribute, ToCall, ToReturn, changed
from fixpickle.survey.flow.callees import CARRIERS, DELAYED, Callees
from fixpickle.survey.flow.literals import Literals
from fixpickle.survey.flow.loops import Loops
from fixpickle.survey.flow.steps import Step, Via, key_written, keyed
from fixpickle.survey.flow.stores import Stores
from fixpickle.survey.flow.variables import Variables
from fixpickle.survey.names import Names
from fixpickle.survey.tree import FUNCTIONS, Comprehension, Tree

# Under what else an expression stands, its value goes no further.
_LEADING = frozenset(
    {
        *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, *Comprehension),
        *(ast.Call, ast.keyword, ast.arguments, ast.Lambda, ast.NamedExpr, ast.IfExp, ast.BoolOp, ast.BinOp),
        *(ast.Await, ast.Subscript, ast.Attribute, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Yield),
        *(ast.For, ast.comprehension),
    }
)
_ITEMS = ("get", "values", "items", "pop")
_NESTED = 4  # objects in objects: a function in a Lambda in a Compose in a dataset is three


def _nested(sink: Sink) -> int:
    return 1 + max(map(_nested, sink.onward), default=0) if isinstance(sink, ToCall) else 0


class Flow:
    """Follows values through one file. Every expression is followed once, however many names lead to it."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree = tree
        self.names = names
        self.variables = Variables(tree, names)
        self.literals = Literals(names, self.variables)
        self.callees = Callees(tree, names, self.variables)
        self.stores = Stores(tree, names, self.variables, self.literals)
        self.loops = Loops(tree, names, self.variables)
        self._steps: dict[tuple[ast.AST, bool], tuple[Step, ...]] = {}
        self._open: set[ast.AST] = set()  # calls whose results are being followed: ends circles such as `a = wrap(a)`
        self._failing = frozenset(expected_to_fail(tree, names))

    def of(self, node: ast.AST) -> tuple[Sink, ...]:
        """Where the value of an expression goes."""
        return self._closed(self._follow(node, True)) if self.leads(node) else ()

    def leads(self, node: ast.AST) -> bool:
        """Whether the value of an expression may go further than what it is part of: a cheap first look."""
        kind = type(self.tree.parents[node])
        return kind in _LEADING and kind is not ast.BinOp  # `[f] * n` holds what is in the list, `f | g` is new

    def of_name(self, scope: ast.AST, name: str) -> tuple[Sink, ...]:
        """Where the value of a variable goes."""
        return self._closed((Via(scope, name),))

    def results(self, scope: ast.AST, name: str) -> tuple[Sink, ...]:
        """Where the results of calling a variable go."""
        calls = [self.tree.parents[use] for use in self.variables.loads(scope, name)]
        steps = [s for c in calls if isinstance(c, ast.Call) and self._names_it(c, name) for s in self._follow(c, True)]
        return self._closed(steps)

    def _names_it(self, call: ast.Call, name: str) -> bool:
        return isinstance(call.func, ast.Name) and call.func.id == name

    def _closed(self, steps: Iterable[Step]) -> tuple[Sink, ...]:
        """The sinks behind these steps, every variable followed to all its uses, once."""
        found: dict[Sink, None] = {}
        seen: set[Via] = set()
        pending = list(steps)
        for step in pending:
            if not isinstance(step, Via):
                found[step] = None
            elif step not in seen:
                seen.add(step)
                for use in self.variables.loads(step.scope, step.name):
                    if step.whole and self._is_item(use):
                        continue
                    pending.extend(keyed(self._follow(use, True), step.key, again=False))
        return tuple(found)

    def _is_item(self, use: ast.Name) -> bool:
        """Whether only what a container holds is taken from it there."""
        parent = self.tree.parents[use]
        return isinstance(parent, ast.Subscript) or (isinstance(parent, ast.Attribute) and parent.attr in _ITEMS)

    def _follow(self, node: ast.AST, direct: bool) -> tuple[Step, ...]:
        """One expression's way to its sinks and variables. `direct` is false once it has been put into a container."""
        key = (node, direct)
        if key not in self._steps:
            self._steps[key] = ()
            parent = self.tree.parents[node]
            if type(parent) in _LEADING:
                self._steps[key] = tuple(dict.fromkeys(self._into(parent, node, direct)))
        return self._steps[key]

    def _into(self, parent: ast.AST, node: ast.AST, direct: bool) -> Iterable[Step]:
        if isinstance(parent, ast.Tuple) and (targets := self.stores.unpacked(parent, node)):
            return tuple(s for t in targets for s in self.stores.to_target(t, direct))
        if isinstance(parent, ast.Dict):
            key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), node)
            return () if key is node else keyed(self._follow(parent, False), key_written(key))
        if isinstance(parent, (ast.List, ast.Tuple, ast.Set, ast.Starred)):
            return self._follow(parent, False)
        if isinstance(parent, ast.keyword):
            call = self.tree.parents[parent]
            return self._into_call(call, parent, direct) if isinstance(call, ast.Call) else ()
        if isinstance(parent, ast.Call):
            return self._into_call(parent, node, direct)
        if isinstance(parent, ast.NamedExpr):
            return (*self._follow(parent, direct), *self.stores.to_target(parent.target, direct))
        if isinstance(parent, (ast.IfExp, ast.BoolOp, ast.Await)):
            return () if isinstance(parent, ast.IfExp) and node is parent.test else self._follow(parent, direct)
        if isinstance(parent, ast.BinOp):
            return () if direct else self._follow(parent, False)  # `[f] * n` holds it, `f | g` is another value
        if isinstance(parent, Comprehension):
            return self._follow(parent, False) if node is not getattr(parent, "key", None) else ()
        if isinstance(parent, (ast.For, ast.comprehension)):
            return tuple(
                s for target in self.loops.targets(parent, node) for s in self.stores.to_target(target, direct)
            )
        if isinstance(parent, ast.Subscript):
            taken = node is parent.value and not self.variables.ran_code_in(node)
            return self._follow(parent, direct) if taken else ()
        if isinstance(parent, ast.Attribute):
            return self._method_of(parent)
        if isinstance(parent, ast.arguments):
            return self.stores.default_of(parent, node)
        if isinstance(parent, ast.Lambda):
            return self._made_by(parent)
        return self._in_statement(parent, node, direct)

    def _into_call(self, call: ast.Call, node: ast.AST, direct: bool) -> Iterable[Step]:
        callee = self.callees.of(call)
        if node is call.func:
            # An instance of a class of this file carries its class along, a task the function it is made of.
            carries = callee in self.names.classes or callee.removesuffix("()") in DELAYED
            return self._follow(call, direct) if carries else ()
        if (made := self.callees.partial(call.func)) is not None:
            callee = self.names.of(made.args[0])
        if callee in CARRIERS:
            key = node.arg or "" if callee == "builtins.dict" and isinstance(node, ast.keyword) else ""
            steps = self._with_factory(call, callee, node) or keyed(self._follow(call, False), key)
            return (*steps, *self._filled_in(call, node))
        if call in self._failing:
            return ()
        if stored := self.stores.as_attribute(call, node):
            return stored
        if self.callees.falls_back_on(call, callee, node):
            return (*self.stores.into_container(call, node), *self._follow(call, direct))
        if isinstance(self.tree.scope(call), ast.ClassDef):
            if callee == "builtins.staticmethod":
                return self._read_from(call)
            return ()  # a descriptor or decorator in a class body: the class carries it, and classes travel by name
        base = self._of_base(call)
        if base and node is call.args[0]:
            return ()  # the base makes the same object
        before = len(made.args) - 1 if made is not None else -base
        position = before + call.args.index(node) if node in call.args else -1
        return (*self.stores.into_container(call, node), self._handed_to(call, callee, node, position))

    def _of_base(self, call: ast.Call) -> int:
        """1 for `Base.__init__(self, ...)`, whose first argument is the object that the others are for; else 0."""
        called = call.func
        if not isinstance(called, ast.Attribute) or called.attr != "__init__" or isinstance(called.value, ast.Call):
            return 0
        return int(any(self.names.instance_class(argument) is not None for argument in call.args[:1]))

    def _with_factory(self, call: ast.Call, callee: str, node: ast.AST) -> tuple[Step, ...]:
        """The way of the factory of a `defaultdict` that is assigned to variables."""
        assigned = isinstance(self.tree.parents[call], (ast.Assign, ast.AnnAssign))
        if callee != "collections.defaultdict" or call.args[:1] != [node] or not assigned:
            return ()
        return tuple(replace(s, whole=True) if isinstance(s, Via) else s for s in self._follow(call, False))

    def _handed_to(self, call: ast.Call, callee: str, node: ast.AST, position: int) -> ToCall:
        keyword = node.arg or "" if isinstance(node, ast.keyword) else ""
        unpacked = isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None)
        own = isinstance(call.func, ast.Attribute) and self._own(call.func.value)
        given, onward = self.literals.of(call), self._onward(call, callee)
        symbol = self.callees.by_parameter(call, callee)
        return ToCall(symbol, position, keyword, call.lineno, given, onward, unpacked=unpacked, own=own)

    def _own(self, receiver: ast.expr) -> bool:
        """Whether it is the `self` around it, or what that keeps: `self.table`."""
        kept = receiver.value if isinstance(receiver, ast.Attribute) else receiver
        return self.names.instance_class(kept) is not None

    def _filled_in(self, made: ast.Call, node: ast.AST) -> Iterable[Step]:
        """Where an argument of `functools.partial` goes when a variable that stands for the partial is called."""
        statement = self.tree.parents[made]
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if not isinstance(target, ast.Name) or node in made.args[:1] or self.callees.partial(target) is not made:
            return
        position = made.args.index(node) - 1 if node in made.args else -1
        for use in self.variables.uses(target):
            call = self.tree.parents[use]
            if isinstance(call, ast.Call) and call.func is use:
                yield self._handed_to(call, self.names.of(made.args[0]), node, position)

    def _read_from(self, call: ast.Call) -> Iterable[Step]:
        """Where `name = staticmethod(f)` of a class body goes: `self.name` is the function itself."""
        statement, cls = self.tree.parents[call], self.tree.scope(call)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        for read in self.tree.attributes(target.id) if isinstance(target, ast.Name) else ():
            called = self.tree.parents[read]
            if not (isinstance(called, ast.Call) and called.func is read) and isinstance(read.ctx, ast.Load):
                yield from self._follow(read, True) if self.names.instance_class(read.value) is cls else ()

    def _onward(self, call: ast.Call, callee: str) -> tuple[Sink, ...]:
        """Where the result of a call goes, one call further and no more; an object is followed into what keeps it."""
        made = callee.removesuffix(".__init__")
        if made != callee and catalogue().may_keep(made.removesuffix("()")):
            cls = self.tree.method_class(self.tree.function(call))
            return (ToAttribute(self.tree.qualname(cls), "", call.lineno),) if cls is not None else ()
        if call in self._open:
            return ()
        self._open.add(call)
        try:
            sinks = self._closed(self._follow(call, False))
        finally:
            self._open.discard(call)
        if catalogue().may_keep(callee) and all(_nested(s) < _NESTED for s in sinks):
            return sinks
        return tuple(changed(s, onward=()) if isinstance(s, ToCall) else s for s in sinks)

    def _method_of(self, parent: ast.Attribute) -> Iterable[Step]:
        """`table.get(k)` and `table.values()` give out what the table holds; any other method or attribute does not.

        `Parser(f).named("f")` gives the parser, where the class of the file has such methods give themselves.
        """
        call = self.tree.parents[parent]
        called = isinstance(call, ast.Call) and call.func is parent
        if called and parent.attr in self._fluent and self._class_of(parent.value) in self._fluent[parent.attr]:
            return self._follow(call, True)
        gives = parent.attr in (*_ITEMS, "copy") and isinstance(call, ast.Call)
        return self._follow(call, True) if gives and not self.variables.ran_code_in(parent.value) else ()

    def _class_of(self, node: ast.expr) -> str:
        """The symbolic name of the class that an expression is an instance of, a function below `@Parser` included."""
        bound = self.variables.values(node) if isinstance(node, ast.Name) else ()
        for value in bound:
            if isinstance(value, FUNCTIONS) and len(value.decorator_list) == 1 == len(bound):
                return self.names.of(value.decorator_list[0])
        return self.names.of(node).removesuffix("()")

    @cached_property
    def _fluent(self) -> dict[str, frozenset[str]]:
        """The methods of the file's classes that always give their own object, and the classes that have them."""
        classes = {f"{self.names.module}.{self.tree.qualname(c)}": c for c in self.tree.of(ast.ClassDef)}
        own = {symbol: dict(_gives_itself(self.tree, cls)) for symbol, cls in classes.items()}
        found: dict[str, set[str]] = {}
        for symbol in classes:
            line, methods = [symbol], dict[str, bool]()
            for above in line:
                methods = {**own.get(above, {}), **methods}
                line += [
                    b for c in (classes.get(above),) if c for e in c.bases if (b := self.names.of_base(e)) not in line
                ]
            for name in (name for name, fluent in methods.items() if fluent):
                found.setdefault(name, set()).add(symbol)
        return {name: frozenset(having) for name, having in found.items()}

    def _made_by(self, function: ast.AST) -> Iterable[Step]:
        """A `defaultdict` keeps what its factory makes, and every instance what the factory of a field does."""
        parent = self.tree.parents[function]
        if isinstance(parent, ast.keyword):
            call = self.tree.parents[parent]
            return self.stores.in_field(call, function) if parent.arg in ("default_factory", "factory") else ()
        if not isinstance(parent, ast.Call) or function not in parent.args[:1]:
            return ()
        callee = self.names.of(parent.func)
        if callee == "functools.partial":
            return self._made_by(parent)
        if callee in ("attr.Factory", "attrs.Factory") and isinstance(given := self.tree.parents[parent], ast.keyword):
            return self.stores.in_field(self.tree.parents[given], function)
        return self._follow(parent, False) if callee == "collections.defaultdict" else ()

    def _in_statement(self, parent: ast.AST, node: ast.AST, direct: bool) -> Iterable[Step]:
        if isinstance(parent, ast.Assign) and node is parent.value:
            return tuple(s for t in self.stores.targets(parent.targets, node) for s in self.stores.to_target(t, direct))
        if isinstance(parent, ast.AnnAssign) and node is parent.value:
            return self.stores.to_target(parent.target, direct)
        if isinstance(parent, ast.AugAssign) and node is parent.value:
            return self.stores.to_target(parent.target, False)
        if isinstance(parent, (ast.Return, ast.Yield)):
            function = self.tree.function(parent)
            if isinstance(function, FUNCTIONS):
                uses = self.variables.loads(self.tree.scope(function), function.name)
                kept = (s for use in uses for s in self._made_by(use))
                beside = isinstance(node, ast.Tuple) and len(node.elts) > 1
                return (ToReturn(self.tree.qualname(function), parent.lineno, beside), *kept)
        return ()


def _gives_itself(tree: Tree, cls: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """The methods of a class, and whether all that one returns is the object it is called on."""
    for method in cls.body:
        if isinstance(method, FUNCTIONS):
            own = method.args.args[0].arg if method.args.args and not method.decorator_list else ""
            ways_out = [r.value for r in tree.within(method, ast.Return) if tree.function(r) is method]
            yield method.name, bool(ways_out) and all(isinstance(v, ast.Name) and v.id == own for v in ways_out)
