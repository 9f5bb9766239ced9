"""Where a value goes inside one file: through names, containers, conditions and calls, to the places that keep it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from fixpickle.survey.catalogue import catalogue
from fixpickle.survey.expected import expected_to_fail
from fixpickle.survey.facts import Sink, ToAttribute, ToCall, ToGlobal, ToParameter, ToReturn, Wanted
from fixpickle.survey.given import Given
from fixpickle.survey.names import Names
from fixpickle.survey.tree import CALLABLES, FUNCTIONS, Comprehension, Tree, attribute_declared, parameters, walk
from fixpickle.survey.unpacking import Unpacking

# Calls whose result carries their arguments along when it is pickled.
CARRIERS = frozenset(
    [
        "functools.partial",
        "collections.defaultdict",
        "collections.OrderedDict",
        "collections.deque",
        "collections.ChainMap",
        "builtins.list",
        "builtins.tuple",
        "builtins.dict",
        "builtins.set",
        "builtins.frozenset",
        "builtins.zip",
        "builtins.iter",
        "builtins.enumerate",
        "builtins.reversed",
        "itertools.chain",
        "itertools.repeat",
        "joblib.delayed",
        "joblib.parallel.delayed",
        "sklearn.utils.parallel.delayed",
        "tpcp.parallel.delayed",
        "operator.methodcaller",
        "types.MethodType",
        "dataclasses.field",
        "attr.ib",
        "attrs.field",
    ]
)
# Calls in the body of a class that declare an attribute of its instances.
FIELDS = frozenset(
    [
        "dataclasses.field",
        "attr.ib",
        "attr.attrib",
        "attr.field",
        "attrs.field",
        "attr.Factory",
        "attrs.Factory",
        "pydantic.PrivateAttr",
        "pydantic.Field",
    ]
)
_DELAYED = frozenset(name for name in CARRIERS if name.endswith(".delayed"))
# Containers of this process, into which an item is put without a call that could pickle it.
_PLAIN = ("builtins.", "collections.")
# Methods that put an argument into the container they are called on.
_ADDERS = frozenset(["append", "add", "insert", "extend", "setdefault", "update", "appendleft", "__setitem__"])
# Methods and functions that give back their last argument where they find nothing, and its place.
LOOKUPS = frozenset(["get", "pop", "setdefault", "getattr", "next"])
_FALLBACKS = {"builtins.getattr": 2, "builtins.next": 1}
# Under what else an expression stands, its value goes no further.
_LEADING = frozenset(
    {
        *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, *Comprehension),
        *(ast.Call, ast.keyword, ast.arguments, ast.Lambda, ast.NamedExpr, ast.IfExp, ast.BoolOp, ast.BinOp),
        *(ast.Await, ast.Subscript, ast.Attribute, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Yield),
    }
)
_CHAIN = 8  # calls on the result of calls: `ctx.Pool().map` is two
_NESTED = 4  # objects in objects: a function in a Lambda in a Compose in a dataset is three


@dataclass(frozen=True, slots=True)
class _Via:
    """The value is what this variable holds from here on, or what a dictionary that it holds has under `key`.

    Of a `whole` one the variable's items do not hold it, as those of a `defaultdict` do not hold its factory.
    """

    scope: ast.AST
    name: str
    key: str = ""
    whole: bool = False


_Step = Sink | _Via


def _keyed(steps: Iterable[_Step], key: str, again: bool = True) -> Iterable[_Step]:
    """The steps of a dictionary for what it has under `key`: unpacked, it is the argument of that name.

    Where `again` is false, what is under a key already stays under that one.
    """
    if not key:
        return steps
    return tuple(_under(step, key) if again or not isinstance(step, _Via) or not step.key else step for step in steps)


def _under(step: _Step, key: str) -> _Step:
    if isinstance(step, _Via):
        return replace(step, key=key)
    if isinstance(step, ToCall) and step.unpacked and step.position < 0 and not step.keyword:
        return replace(step, keyword=key, unpacked=False)
    return step


def _text(node: ast.AST | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""


def _nested(sink: Sink) -> int:
    return 1 + max(map(_nested, sink.onward), default=0) if isinstance(sink, ToCall) else 0


class Flow:
    """Follows values through one file. Every expression is followed once, however many names lead to it."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree = tree
        self.names = names
        self._steps: dict[tuple[ast.AST, bool], tuple[_Step, ...]] = {}
        self._wanted: dict[Wanted, None] = {}
        self._open: set[ast.AST] = set()  # calls whose results are being followed: ends circles such as `a = wrap(a)`
        self._literals: dict[ast.AST, tuple[tuple[str, str], ...]] = {}
        self._owners: dict[tuple[ast.AST, str], ast.AST] = {}
        self._failing = frozenset(expected_to_fail(tree, names))
        self._loads: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        self._read()

    def _read(self) -> None:
        """Takes down who reads which variable. Most names are read many times in one scope, which is looked up once."""
        scope_of, root = self.tree.scopes.get, self.tree.root
        met: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        for node in self.tree.of(ast.Name):
            if type(node.ctx) is ast.Load:
                key = scope_of(node, root), node.id
                if key not in met:
                    met[key] = self._loads.setdefault((self._owner_of(key), node.id), [])
                met[key].append(node)

    def owner(self, at: ast.AST, name: str) -> ast.AST:
        """The scope whose variable `name` is when it is read at `at`."""
        return self._owner_of((self.tree.scope(at), name))

    def _owner_of(self, key: tuple[ast.AST, str]) -> ast.AST:
        found = self._owners.get(key)
        if found is None:
            found = self._owners[key] = self._owner(*key)
        return found

    def _owner(self, scope: ast.AST, name: str) -> ast.AST:
        first = scope
        bindings = self.names.bindings
        while not isinstance(scope, ast.Module):
            if name in bindings.get(scope, {}) and (scope is first or not isinstance(scope, ast.ClassDef)):
                return scope
            if isinstance(scope, Comprehension) and any(
                isinstance(n, ast.Name) and n.id == name for g in scope.generators for n in walk(g.target)
            ):
                return scope
            scope = self.tree.scope(scope)
        return scope

    def of_module(self, nodes: Iterable[ast.Name]) -> list[ast.Name]:
        """Those of these names that are variables of the module."""
        scope_of, root, owner_of = self.tree.scopes.get, self.tree.root, self._owner_of
        return [node for node in nodes if owner_of((scope_of(node, root), node.id)) is root]

    def loads(self, scope: ast.AST, name: str) -> list[ast.Name]:
        """Every place that reads the variable `name` of `scope`, nested functions included."""
        return self._loads.get((scope, name), [])

    def of(self, node: ast.AST) -> tuple[Sink, ...]:
        """Where the value of an expression goes."""
        return self._closed(self._follow(node, True)) if self.leads(node) else ()

    def leads(self, node: ast.AST) -> bool:
        """Whether the value of an expression may go further than what it is part of: a cheap first look."""
        kind = type(self.tree.parents[node])
        return kind in _LEADING and kind is not ast.BinOp  # `[f] * n` holds what is in the list, `f | g` is new

    def of_name(self, scope: ast.AST, name: str) -> tuple[Sink, ...]:
        """Where the value of a variable goes."""
        return self._closed((_Via(scope, name),))

    def results(self, scope: ast.AST, name: str) -> tuple[Sink, ...]:
        """Where the results of calling a variable go."""
        calls = [self.tree.parents[use] for use in self.loads(scope, name)]
        steps = [s for c in calls if isinstance(c, ast.Call) and self._names_it(c, name) for s in self._follow(c, True)]
        return self._closed(steps)

    def _names_it(self, call: ast.Call, name: str) -> bool:
        return isinstance(call.func, ast.Name) and call.func.id == name

    def _closed(self, steps: Iterable[_Step]) -> tuple[Sink, ...]:
        """The sinks behind these steps, every variable followed to all its uses, once."""
        found: dict[Sink, None] = {}
        seen: set[_Via] = set()
        pending = list(steps)
        for step in pending:
            if not isinstance(step, _Via):
                found[step] = None
            elif step not in seen:
                seen.add(step)
                for use in self.loads(step.scope, step.name):
                    if step.whole and isinstance(self.tree.parents[use], ast.Subscript):
                        continue
                    pending.extend(_keyed(self._follow(use, True), step.key, again=False))
        return tuple(found)

    def _follow(self, node: ast.AST, direct: bool) -> tuple[_Step, ...]:
        """One expression's way to its sinks and variables. `direct` is false once it has been put into a container."""
        key = (node, direct)
        if key not in self._steps:
            self._steps[key] = ()
            parent = self.tree.parents[node]
            if type(parent) in _LEADING:
                self._steps[key] = tuple(dict.fromkeys(self._into(parent, node, direct)))
        return self._steps[key]

    def _into(self, parent: ast.AST, node: ast.AST, direct: bool) -> Iterable[_Step]:
        if isinstance(parent, ast.Tuple) and (targets := self._unpacked(parent, node)):
            return tuple(s for t in targets for s in self._to_target(t, direct))
        if isinstance(parent, ast.Dict):
            key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), node)
            return () if key is node else _keyed(self._follow(parent, False), _text(key))
        if isinstance(parent, (ast.List, ast.Tuple, ast.Set, ast.Starred)):
            return self._follow(parent, False)
        if isinstance(parent, ast.keyword):
            call = self.tree.parents[parent]
            return self._into_call(call, parent, direct) if isinstance(call, ast.Call) else ()
        if isinstance(parent, ast.Call):
            return self._into_call(parent, node, direct)
        if isinstance(parent, ast.NamedExpr):
            return (*self._follow(parent, direct), *self._to_target(parent.target, direct))
        if isinstance(parent, (ast.IfExp, ast.BoolOp, ast.Await)):
            return () if isinstance(parent, ast.IfExp) and node is parent.test else self._follow(parent, direct)
        if isinstance(parent, ast.BinOp):
            return () if direct else self._follow(parent, False)  # `[f] * n` holds it, `f | g` is another value
        if isinstance(parent, Comprehension):
            return self._follow(parent, False) if node is not getattr(parent, "key", None) else ()
        if isinstance(parent, ast.Subscript):
            taken = node is parent.value and not self._ran_code_in(node)
            return self._follow(parent, direct) if taken else ()
        if isinstance(parent, ast.Attribute):
            return self._method_of(parent)
        if isinstance(parent, ast.arguments):
            return self._default_of(parent, node)
        if isinstance(parent, ast.Lambda):
            return self._made_by(parent)
        return self._in_statement(parent, node, direct)

    def _unpacked(self, values: ast.Tuple, node: ast.AST) -> list[ast.expr]:
        """The targets of `a, b = x, y` that get the one value."""
        statement = self.tree.parents[values]
        if not isinstance(statement, ast.Assign) or any(isinstance(v, ast.Starred) for v in values.elts):
            return []
        tuples = [t for t in statement.targets if isinstance(t, (ast.Tuple, ast.List))]
        if any(len(t.elts) != len(values.elts) or any(isinstance(e, ast.Starred) for e in t.elts) for t in tuples):
            return []
        return [t.elts[at] for t in tuples for at, value in enumerate(values.elts) if value is node]

    def _into_call(self, call: ast.Call, node: ast.AST, direct: bool) -> Iterable[_Step]:
        callee = self.names.of(call.func)
        if callee in ("", "builtins.getattr()"):
            callee = self._looked_up(call.func) or callee
        if node is call.func:
            # An instance of a class of this file carries its class along, a task the function it is made of.
            carries = callee in self.names.classes or callee.removesuffix("()") in _DELAYED
            return self._follow(call, direct) if carries else ()
        if (made := self.partial(call.func)) is not None:
            callee = self.names.of(made.args[0])
        if callee in CARRIERS:
            key = node.arg or "" if callee == "builtins.dict" and isinstance(node, ast.keyword) else ""
            steps = self._with_factory(call, callee, node) or _keyed(self._follow(call, False), key)
            return (*steps, *self._filled_in(call, node))
        if call in self._failing:
            return ()
        if self._falls_back_on(call, callee, node):
            return (*self._into_container(call, node), *self._follow(call, direct))
        if isinstance(self.tree.scope(call), ast.ClassDef):
            if callee == "builtins.staticmethod":
                return self._read_from(call)
            return ()  # a descriptor or decorator in a class body: the class carries it, and classes travel by name
        before = len(made.args) - 1 if made is not None else 0
        position = before + call.args.index(node) if node in call.args else -1
        return (*self._into_container(call, node), self._handed_to(call, callee, node, position))

    def _with_factory(self, call: ast.Call, callee: str, node: ast.AST) -> tuple[_Step, ...]:
        """The way of the factory of a `defaultdict` that is assigned to variables."""
        assigned = isinstance(self.tree.parents[call], (ast.Assign, ast.AnnAssign))
        if callee != "collections.defaultdict" or call.args[:1] != [node] or not assigned:
            return ()
        return tuple(replace(s, whole=True) if isinstance(s, _Via) else s for s in self._follow(call, False))

    def _handed_to(self, call: ast.Call, callee: str, node: ast.AST, position: int) -> ToCall:
        keyword = node.arg or "" if isinstance(node, ast.keyword) else ""
        unpacked = isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None)
        own = isinstance(call.func, ast.Attribute) and self.names.instance_class(call.func.value) is not None
        given, onward = self.literals(call), self._onward(call, callee)
        return ToCall(
            self._of_parameter(call, callee), position, keyword, call.lineno, given, onward, unpacked=unpacked, own=own
        )

    def _of_parameter(self, call: ast.Call, callee: str) -> str:
        """The callee of `pool.map(f)` and `worker(target=f)` by the parameter, where only callers know what that is."""
        if isinstance(call.func, ast.Attribute):
            may_cross = call.func.attr in catalogue().methods
        else:
            may_cross = any(k.arg in catalogue().constructor_keywords for k in call.keywords)
        symbol = self._given_names.of(call.func) if may_cross and not catalogue().crosses(callee) else ""
        wanted = self._given_names.wanted(symbol) if symbol else None
        if wanted is None:
            return callee
        self._wanted[wanted] = None
        return symbol

    @cached_property
    def _given_names(self) -> Given:
        return Given(self.names)

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """The parameters that callees were found to come from, so far."""
        return tuple(self._wanted)

    def partial(self, callee: ast.expr) -> ast.Call | None:
        """The call of `functools.partial` that a variable stands for, where it says what all its arguments are."""
        if not isinstance(callee, ast.Name) or self.names.of(callee) != "functools.partial()":
            return None
        made = self.expression_behind(callee)
        plain = isinstance(made, ast.Call) and made.args and not any(isinstance(a, ast.Starred) for a in made.args)
        return made if plain else None  # type: ignore[return-value]

    def _filled_in(self, made: ast.Call, node: ast.AST) -> Iterable[_Step]:
        """Where an argument of `functools.partial` goes when a variable that stands for the partial is called."""
        statement = self.tree.parents[made]
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if not isinstance(target, ast.Name) or node in made.args[:1] or self.partial(target) is not made:
            return
        position = made.args.index(node) - 1 if node in made.args else -1
        for use in self.loads(self.owner(target, target.id), target.id):
            call = self.tree.parents[use]
            if isinstance(call, ast.Call) and call.func is use:
                yield self._handed_to(call, self.names.of(made.args[0]), node, position)

    def _looked_up(self, callee: ast.expr) -> str:
        """`datasets.?` for `datasets.__dict__[name]` and `getattr(datasets, name)`: one of what the module has.

        The first parameter of a class method is its class.
        """
        function = self.tree.function(callee)
        cls = self.tree.method_class(function)
        if cls is not None and isinstance(function, FUNCTIONS) and isinstance(callee, ast.Name):
            kinds = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
            if "classmethod" in kinds and (callee.id,) == parameters(function)[:1]:
                return f"{self.names.module}.{self.tree.qualname(cls)}"
        value = self.expression_behind(callee)
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Attribute):
            owner = value.value.value if value.value.attr == "__dict__" else None
        elif isinstance(value, ast.Call) and self.names.of(value.func) == "builtins.getattr" and value.args:
            owner = value.args[0]
        else:
            owner = None
        module = self.names.of(owner) if owner is not None else ""
        return f"{module}.?" if module else ""

    def _falls_back_on(self, call: ast.Call, callee: str, node: ast.AST) -> bool:
        """Whether the call gives back the argument where it finds nothing: `options.pop("key", f)`."""
        looks_up = isinstance(call.func, ast.Attribute) and call.func.attr in LOOKUPS
        at = 1 if looks_up else _FALLBACKS.get(callee, -1)
        if not 0 <= at < len(call.args) or call.args[at] is not node or len(call.args) > at + 1:
            return False
        # A name that stands for something else than a function may be a mark of what is missing, which goes no further.
        values = (
            self.names.bindings.get(self.owner(node, node.id), {}).get(node.id, [])
            if isinstance(node, ast.Name)
            else []
        )
        return not isinstance(node, ast.Name) or any(isinstance(v, CALLABLES) for v in values)

    def _read_from(self, call: ast.Call) -> Iterable[_Step]:
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
        return tuple(replace(s, onward=()) if isinstance(s, ToCall) else s for s in sinks)

    def literals(self, call: ast.AST) -> tuple[tuple[str, str], ...]:
        """Keywords of a call and of the calls that made its receiver, which decide whether anything crosses.

        A constant is as Python writes it, another value its symbolic name, "?" where nothing is known. "0" is the first
        argument where it is constant, "first" its symbolic name, and "context" what `get_context` was asked for. "**"
        stands for keywords that are unpacked from what only running tells.
        """
        if call not in self._literals:
            self._literals[call] = self._read_literals(call)
        return self._literals[call]

    def _read_literals(self, call: ast.AST) -> tuple[tuple[str, str], ...]:
        calls, at = [call] if isinstance(call, ast.Call) else [], getattr(call, "func", call)
        for _ in range(_CHAIN):
            value = self.expression_behind(at.value if isinstance(at, ast.Attribute) else at)
            if not isinstance(value, ast.Call):
                break
            calls.append(value)
            at = value.func
        keywords = [k for c in reversed(calls) for k in c.keywords]
        pairs = {key: value for k in keywords if not k.arg for key, value in self._unpacking.of(k.value).items()}
        pairs |= {k.arg: self._given(k.value) for k in keywords if k.arg}
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            pairs["0"] = self._given(call.args[0])
        elif isinstance(call, ast.Call) and call.args and (first := self.names.of(call.args[0])):
            pairs["first"] = first
        for maker in calls:
            if maker.args and self.names.of(maker.func).endswith(".get_context"):
                pairs["context"] = self._given(maker.args[0])
            elif maker.args and maker is not call and ("0" not in pairs or isinstance(maker.args[0], ast.Constant)):
                pairs["0"] = self._given(maker.args[0])
        return tuple(sorted(pairs.items()))

    @cached_property
    def _unpacking(self) -> Unpacking:
        return Unpacking(
            self.tree.parents,
            self._given,
            lambda name: self.names.bindings.get(self.owner(name, name.id), {}).get(name.id, []),
            lambda name: self.loads(self.owner(name, name.id), name.id),
        )

    def _given(self, node: ast.expr) -> str:
        plain = node.operand if isinstance(node, ast.UnaryOp) else node
        return ast.unparse(node) if isinstance(plain, ast.Constant) else self.names.of(node) or "?"

    def expression_behind(self, node: ast.AST) -> ast.AST | None:
        """The only value of a variable or of an attribute of `self`; any other expression is its own."""
        owner = self.names.instance_class(node.value) if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and owner is not None:
            values = self.names.attribute_values(owner).get(node.attr, [])
        elif isinstance(node, ast.Name):
            values = self.names.bindings.get(self.owner(node, node.id), {}).get(node.id, [])
        else:
            return node
        return values[0] if len(values) == 1 else None

    def _into_container(self, call: ast.Call, node: ast.AST) -> Iterable[_Step]:
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ADDERS:
            return ()
        key = node.arg or "" if isinstance(node, ast.keyword) else _text(call.args[0]) if call.args[1:] else ""
        return _keyed(self._kept_in(call.func.value), key)

    def _kept_in(self, base: ast.AST) -> Iterable[_Step]:
        """Where something goes that has been put into the container `base`."""
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Attribute):
            return self._to_target(base, False)
        if not isinstance(base, ast.Name):
            return ()
        scope = self.owner(base, base.id)
        kept = (ToGlobal(base.id, base.lineno, False),) if isinstance(scope, ast.Module) else ()
        return (*kept, _Via(scope, base.id))

    def _method_of(self, parent: ast.Attribute) -> Iterable[_Step]:
        """`table.get(k)` and `table.values()` give out what the table holds; any other method or attribute does not."""
        call = self.tree.parents[parent]
        gives = parent.attr in ("get", "values", "items", "pop", "copy") and isinstance(call, ast.Call)
        return self._follow(call, True) if gives and not self._ran_code_in(parent.value) else ()

    def _ran_code_in(self, node: ast.AST) -> bool:
        """Whether `exec` ran code in the namespace that a name stands for: what is taken out is what that code made."""
        return isinstance(node, ast.Name) and (self.owner(node, node.id), node.id) in self._namespaces

    @cached_property
    def _namespaces(self) -> frozenset[tuple[ast.AST, str]]:
        """The variables that are handed to `exec` as namespaces."""
        runs = (n for n in self.tree.of(ast.Name) if n.id == "exec" and self.names.of(n) == "builtins.exec")
        calls = (c for n in runs if isinstance(c := self.tree.parents[n], ast.Call) and c.func is n)
        given = (a for c in calls for a in c.args[1:] if isinstance(a, ast.Name))
        return frozenset((self.owner(a, a.id), a.id) for a in given)

    def _made_by(self, function: ast.AST) -> Iterable[_Step]:
        """A `defaultdict` keeps what its factory makes, and every instance what the factory of a field does."""
        parent = self.tree.parents[function]
        if isinstance(parent, ast.keyword):
            call = self.tree.parents[parent]
            return self._in_field(call, function) if parent.arg in ("default_factory", "factory") else ()
        if not isinstance(parent, ast.Call) or function not in parent.args[:1]:
            return ()
        callee = self.names.of(parent.func)
        if callee == "functools.partial":
            return self._made_by(parent)
        if callee in ("attr.Factory", "attrs.Factory") and isinstance(given := self.tree.parents[parent], ast.keyword):
            return self._in_field(self.tree.parents[given], function)
        return self._follow(parent, False) if callee == "collections.defaultdict" else ()

    def _in_field(self, call: ast.AST, factory: ast.AST) -> Iterable[_Step]:
        """The attribute in which instances keep what the factory makes that a field is declared with."""
        statement = self.tree.parents[call]
        cls, name = self.tree.parents.get(statement), attribute_declared(statement)
        declares = isinstance(call, ast.Call) and self.names.of(call.func) in FIELDS
        if not declares or not name or not isinstance(cls, ast.ClassDef):
            return ()
        return (ToAttribute(self.tree.qualname(cls), name, self.tree.statement(factory).lineno),)

    def _default_of(self, arguments: ast.arguments, node: ast.AST) -> Iterable[_Step]:
        function = self.tree.parents[arguments]
        if not isinstance(function, FUNCTIONS):
            return ()
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        name = next((a.arg for a, d in pairs if d is node), "")
        return (ToParameter(self.tree.qualname(function), name, node.lineno),) if name else ()  # type: ignore[attr-defined]

    def _in_statement(self, parent: ast.AST, node: ast.AST, direct: bool) -> Iterable[_Step]:
        if isinstance(parent, ast.Assign) and node is parent.value:
            return tuple(s for t in self._each(parent.targets, node) for s in self._to_target(t, direct))
        if isinstance(parent, ast.AnnAssign) and node is parent.value:
            return self._to_target(parent.target, direct)
        if isinstance(parent, ast.AugAssign) and node is parent.value:
            return self._to_target(parent.target, False)
        if isinstance(parent, (ast.Return, ast.Yield)):
            function = self.tree.function(parent)
            if isinstance(function, FUNCTIONS):
                uses = self.loads(self.tree.scope(function), function.name)
                kept = (s for use in uses for s in self._made_by(use))
                beside = isinstance(node, ast.Tuple) and len(node.elts) > 1
                return (ToReturn(self.tree.qualname(function), parent.lineno, beside), *kept)
        return ()

    def _each(self, targets: Iterable[ast.expr], value: ast.AST) -> Iterable[ast.expr]:
        """The targets, and of `first, second = random_split(...)` each: all that it gives keep what it takes."""
        splits = isinstance(value, ast.Call) and catalogue().keeps(self.names.of(value.func))
        return [e for t in targets for e in (t.elts if splits and isinstance(t, (ast.Tuple, ast.List)) else [t])]

    def _read_at_import(self, name: _Via) -> bool:
        uses = self.loads(name.scope, name.name)
        return bool(uses) and all(self.tree.function(use) is None for use in uses)

    def _to_target(self, target: ast.AST, direct: bool) -> Iterable[_Step]:
        if isinstance(target, ast.Attribute):
            cls = self.names.instance_class(target.value)
            if cls is None:
                return self._handed(target, "__setattr__")
            return (ToAttribute(self.tree.qualname(cls), target.attr, target.lineno),)
        if isinstance(target, ast.Subscript):
            kept = _keyed(self._kept_in(target.value), _text(target.slice))
            return (*kept, *self._handed(target, "__setitem__"))
        if not isinstance(target, ast.Name):
            return ()
        scope = self.owner(target, target.id)
        via = _Via(scope, target.id)
        if isinstance(scope, ast.Module):
            return (ToGlobal(target.id, target.lineno, direct, self._read_at_import(via)), via)
        return (via,) if isinstance(scope, (*CALLABLES, *Comprehension)) else ()

    def _handed(self, target: ast.Attribute | ast.Subscript, method: str) -> Iterable[_Step]:
        """What `shelf[key] = value` and `namespace.name = value` call, which pickle the value."""
        owner = self.names.of(target.value)
        if not owner.endswith("()") or owner.startswith(_PLAIN):
            return ()
        return (ToCall(f"{owner}.{method}", 1, "", target.lineno, self.literals(target.value)),)
